/** Names that no file has, asked of getent(1): this machine's own, and one on PATH that is as slow or strange as is needed. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import t, { type Test } from 'tap';
import { NamesLater, NamesNow, SilentDirectory } from '../../../src/server/machine/names.js';
import { askNow, KEYS_AT_ONCE } from '../../../src/server/machine/nss.js';
import { Resolver } from '../../../src/server/machine/resolver.js';
import { temporaryFolder } from '../../support/folder.js';

/** Started when PATH is as the test has it. */
function resolverOf(t: Test): Resolver {
  const resolver = new Resolver();
  t.teardown(() => resolver.close());
  return resolver;
}

/** A getent that is this script; what it was called with, a line each time. */
function withGetent(t: Test, script: string): () => string[] {
  const folder = temporaryFolder(t);
  const calls = join(folder, 'calls');
  writeFileSync(join(folder, 'getent'), `#!/bin/sh\necho "$*" >> ${calls}\n${script}\n`);
  chmodSync(join(folder, 'getent'), 0o755);
  const { PATH = '' } = process.env;
  process.env.PATH = `${folder}${delimiter}${PATH}`;
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  return () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []);
}

t.test("this machine's getent", async (t) => {
  const root = [{ name: 'root', id: 0 }];
  t.same(askNow('passwd', ['root', 'no-such-user']), root, 'those that there are');
  t.same(askNow('group', ['0']), root);
  t.same(askNow('passwd', ['--help', 'no\0name', '']), []);
  const resolver = resolverOf(t);
  t.same(await resolver.ask('passwd', [4_000_000_000, 0]), root);
  t.same(await resolver.ask('passwd', ['no\nname', '$(id)', '', '-x', 'root']), root);
  const both = await Promise.all([resolver.ask('group', [0]), resolver.ask('passwd', ['root'])]);
  t.same(both, [root, root], 'two who ask at once');
  const names = new NamesNow();
  t.same([names.user('root'), names.group('root')], [0, 0]);
  t.same([names.user('no-such-user'), names.group('no-such-group')], [null, null]);
});

t.test('files come first, and each other name is asked for once', async (t) => {
  const calls = withGetent(t, 'echo "carol:x:7001:7002::/:/bin/sh"');
  const names = new NamesNow();
  t.equal(names.user('root'), 0);
  t.same([names.user('Carol@corp'), names.user('Carol@corp')], [7001, 7001], 'called otherwise');
  t.equal(names.group('carol'), 7001, 'of the other database');
  t.equal(names.user('7001'), null, 'a number is no name');
  t.same(calls(), ['-- passwd Carol@corp', '-- group carol']);
});

t.test('what is silent is not waited for', async (t) => {
  const calls = withGetent(t, 'exec sleep 600');
  t.equal(askNow('passwd', ['a'], 1000), null, 'it was asked, and its time is over');
  t.equal(await resolverOf(t).ask('passwd', [1]), null);
  t.same(calls().length, 2);
});

t.test('at the start: one that is silent is no wrong configuration', async (t) => {
  const asked: number[] = [];
  const names = new NamesNow((_, __, limitMs = 0) => {
    asked.push(limitMs);
    return null;
  });
  t.throws(() => names.user('a'), SilentDirectory);
  t.equal(asked.length, 1);
});

t.test('while there are clients: all are asked for in between', async (t) => {
  const asked: string[] = [];
  const ask = async (database: string, keys: readonly (string | number)[]) => {
    asked.push(`${database} ${keys}`);
    return keys[0] === 'carol' ? [{ name: 'carol', id: 7001 }] : [];
  };
  const names = new NamesLater({ ask });
  t.same([names.user('carol'), names.group('staff-of-it'), names.user('+0')], [null, null, null]);
  t.equal(names.missing, true);
  await names.learn();
  t.equal(names.missing, false);
  t.same([names.user('carol'), names.group('staff-of-it')], [7001, null]);
  t.equal(names.missing, false, 'there is none is an answer, too');
  t.same(asked, ['passwd carol', 'group staff-of-it']);
  const silent = new NamesLater({ ask: async () => null });
  silent.user('a');
  await t.rejects(silent.learn(), SilentDirectory);
});

t.test('one that fails, or is not there, knows nobody', async (t) => {
  withGetent(t, 'echo nonsense; exit 1');
  t.same([askNow('passwd', ['a']), await resolverOf(t).ask('passwd', [1])], [[], []]);
  process.env.PATH = '/nonexistent';
  t.same([askNow('passwd', ['a']), await resolverOf(t).ask('passwd', [1])], [[], []]);
  const gone = resolverOf(t);
  const before = gone.ask('passwd', [0]);
  gone.close();
  t.same([await before, await gone.ask('passwd', [0])], [[], []], 'its shell has ended');
});

t.test('many at once', async (t) => {
  const calls = withGetent(t, 'shift 2; for name; do echo "$name:x:$name:"; done');
  const keys = Array.from({ length: KEYS_AT_ONCE + 1 }, (_, i) => String(i));
  t.same(
    askNow('passwd', keys),
    keys.map((name) => ({ name, id: Number(name) })),
  );
  t.equal(calls().length, 2);
});
