/** Bars: in eighths or in ASCII, never wider than they should be, never without their numbers. */
import stringWidth from 'string-width';
import t from 'tap';
import { bar, gaugeLines, hasUnicode, isNear } from '../../../src/cli/top/bars.js';

t.test('a bar', async (t) => {
  t.equal(bar(0, 8, 4, true), '    ');
  t.equal(bar(1, 32, 4, true), '▏   ');
  t.equal(bar(3, 8, 4, true), '█▌  ');
  t.equal(bar(8, 8, 4, true), '████');
  t.equal(bar(90, 8, 4, true), '████', 'more than there should be');
  t.equal(bar(3, 8, 4, false), '##  ');
  t.equal(bar(0, 0, 2, true), '  ');
  t.equal(bar(1, 0, 2, true), '██', 'nothing is allowed');
});

t.test('lines of them', async (t) => {
  const gauges = [
    { label: 'memory', used: 1, limit: 2, numbers: '1 B / 2 B' },
    { label: '一号摄像机的画面'.repeat(5), used: 1, limit: null, numbers: '1 B / no limit' },
  ];
  for (const width of [10, 20, 40, 80, 200]) {
    for (const line of gaugeLines(gauges, width, true)) t.ok(stringWidth(line) <= width, line);
  }
  const [first, second] = gaugeLines(gauges, 60, true);
  t.equal(first, `memory           [${'█'.repeat(12)}▌${' '.repeat(12)}]  1 B / 2 B`);
  t.equal(second, `一号摄像机的画…  ${' '.repeat(29)}1 B / no limit`);
  t.match(gaugeLines(gauges, 32, true), [/^memory +1 B \/ 2 B$/, / 1 B \/ no limit$/], 'no room');
  t.match(gaugeLines(gauges, 60, false)[0], /^memory +\[#{13} +\] /);
  t.same(gaugeLines([], 80, true), []);
});

t.test('near a limit; what the locale can show', async (t) => {
  const gauge = { label: '', numbers: '' };
  t.ok(isNear({ ...gauge, used: 9, limit: 10 }));
  t.notOk(isNear({ ...gauge, used: 8, limit: 10 }) || isNear({ ...gauge, used: 8, limit: null }));
  for (const [env, has] of [
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LC_CTYPE: 'C.utf8', LANG: 'C' }, true],
    [{ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, false],
    [{ LC_ALL: '', LANG: 'de_DE.UTF-8' }, true],
    [{}, false],
  ] as const) {
    t.equal(hasUnicode(env), has, JSON.stringify(env));
  }
});
