/** What terminals send for keys: several at once, in pieces, with modifiers, and what is no key. */
import t from 'tap';
import { KeyReader } from '../../src/cli/keys.js';

const read = (...texts: string[]) => {
  const reader = new KeyReader();
  return texts.flatMap((text) => reader.read(text));
};

t.test('all that is typed at once', async (t) => {
  t.same(read('jj\x1b[B\x1b[Ad'), ['j', 'j', 'down', 'up', 'd']);
  t.same(read('\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~'), [
    ...['pageup', 'pagedown', 'home', 'end', 'home', 'end', 'home', 'end'],
  ]);
  t.same(read('\x1bOA\x1bOB\x1bOH\x1bOF'), ['up', 'down', 'home', 'end'], 'the other mode');
  t.same(read('\t\x1b[Z\r\n\x7f\b\x03\x1a\x0c'), [
    ...['tab', 'backtab', 'enter', 'enter', 'backspace', 'backspace'],
    ...['ctrl-c', 'ctrl-z', 'ctrl-l'],
  ]);
  t.same(read('摄像👩'), ['摄', '像', '👩']);
});

t.test('in pieces', async (t) => {
  t.same(read('\x1b', '[', 'B', 'x'), ['down', 'x']);
  t.same(read('\x1b[1;', '5B'), ['down'], 'with Ctrl');
  t.same(read('\x1b', 'O', 'A'), ['up']);
});

t.test('Esc alone is told from a sequence by what follows, or that nothing does', async (t) => {
  const reader = new KeyReader();
  t.same(reader.read('\x1b'), []);
  t.ok(reader.waits);
  t.same(reader.flush(), ['escape']);
  t.notOk(reader.waits);
  t.same(reader.flush(), []);
  t.same(read('\x1bq'), ['escape', 'q'], 'typed fast');
  t.same(read('\x1b\x1b[A'), ['escape', 'up']);
});

t.test('what is no key here does nothing, and hides none behind it', async (t) => {
  t.same(read('\x1b[Mx\x1b[15~\x1bOPy\x01\x00z'), ['x', 'y', 'z']);
  t.same(read('\x1b[\x01q'), ['q'], 'no sequence at all');
  const reader = new KeyReader();
  reader.read('\x1b[12');
  t.same(reader.flush(), [], 'half of one');
  t.same(reader.read('q'), ['q']);
});
