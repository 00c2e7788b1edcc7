/** What a TAP stream is taken to say. The counts are compared with those that tap itself prints. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { temporaryFolder } from '../support/folder.js';
import { TapReader } from './tap.js';

function read(text: string) {
  const reader = new TapReader();
  reader.write(text);
  return reader.end();
}

t.test('assertions at any depth, and no closing line of a subtest', async (t) => {
  const text = `TAP version 14
# Subtest: outer
    # Subtest: inner
        ok 1 - a
        not ok 2 - b
          ---
          diff: "1 is not 2"
          ...
        ok 3 - c # SKIP no zsh
        not ok 4 - d # TODO later
        1..4
    not ok 1 - inner
    ok 2 - e
    1..2
not ok 1 - outer
ok 2 - f
1..2
`;
  const { passed, failed, skipped, failures, skips } = read(text);
  t.same({ passed, failed, skipped }, { passed: 3, failed: 1, skipped: 1 });
  t.match(failures, [/outer > inner > b\n.*1 is not 2/]);
  t.same(skips, ['no zsh']);
});

t.test('a subtest that alone says that it failed', async (t) => {
  const text = 'TAP version 14\n# Subtest: hung\n    ok 1 - a\n    1..1\nnot ok 1 - hung\n1..1\n';
  t.match(read(text), { passed: 1, failed: 1, failures: ['hung'] });
});

for (const [what, text] of [
  ['a plan that was not kept', 'TAP version 14\nok 1 - a\n1..2\n'],
  ['no plan', 'TAP version 14\nok 1 - a\n'],
  ['a bail-out', 'TAP version 14\nok 1 - a\nBail out! no more\n'],
  ['output that is cut off in a subtest', 'TAP version 14\n# Subtest: x\n    ok 1 - a\n'],
] as const) {
  t.test(what, async (t) => {
    const { passed, failed } = read(text);
    t.equal(passed, 1);
    t.ok(failed > 0);
  });
}

t.test('as tap counts', async (t) => {
  const file = join(temporaryFolder(t), 'x.mjs');
  const tap = import.meta.resolve('tap');
  writeFileSync(
    file,
    `import t from ${JSON.stringify(tap)};
     t.test('one', async (t) => { t.equal(1, 1); t.same([1], [2]); await t.test('deep', async (t) => t.ok(1)); });
     t.test('skipped', { skip: 'why not' }, async () => {});
     t.test('thrown', async () => { throw new Error('as tests do'); });
     t.test('planned', (t) => { t.plan(2); t.ok(1); t.end(); });
     t.ok(1);`,
  );
  const { stdout } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    env: { ...process.env, TAP: '1' },
  });
  const told = /^# \{ (.*) \}$/m.exec(stdout)?.[1] ?? '';
  const { passed, failed, skipped } = read(stdout);
  t.match(told, `pass: ${passed}, fail: ${failed}, skip: ${skipped}`);
});
