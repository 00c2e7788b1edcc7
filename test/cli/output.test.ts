/** How numbers, times and other people's text are shown; where the sockets are by default. */
import t from 'tap';
import { age, bytes, printable } from '../../src/cli/printable.js';

t.test('bytes', async (t) => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [8_355_840, '8.0 MiB'],
    [2 ** 30, '1 GiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ];
  for (const [count, text] of cases) t.equal(bytes(count), text);
});

t.test('age', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const ago = (seconds: number) => age(new Date(now - seconds * 1000).toISOString(), now);
  t.equal(ago(0), '0 s');
  t.equal(ago(-5), '0 s', 'a clock that was set back');
  t.equal(ago(119), '119 s');
  t.equal(ago(120), '2 min');
  t.equal(ago(7200), '2 h');
  t.equal(ago(3 * 86_400), '3 d');
});

t.test('printable', async (t) => {
  t.equal(printable('Kamera – größer 📷'), 'Kamera – größer 📷');
  t.equal(printable('\u001b[31mred\u001b[0m'), 'red');
  t.equal(printable('a\tb\u0085c'), 'a\\u{9}b\\u{85}c');
});
