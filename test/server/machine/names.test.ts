/** Names that no file has, asked of getent(1): this machine's own, and one on PATH that is as slow or strange as is needed. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import t, { type Test } from 'tap';
import { NamesNow } from '../../../src/server/machine/names.js';
import { askLater, askNow, KEYS_AT_ONCE } from '../../../src/server/machine/nss.js';
import { temporaryFolder } from '../../support/folder.js';

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
  t.same(await askLater('passwd', [4_000_000_000, 0]), root);
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
  t.equal(askNow('passwd', ['a'], 50), null);
  t.equal(await askLater('passwd', [1], 50), null);
  t.same(calls().length, 2);
});

t.test('one that was silent is asked for no other name', async (t) => {
  const calls = withGetent(t, 'exec sleep 600');
  const names = new NamesNow();
  t.same([names.user('a'), names.group('b'), names.user('c')], [null, null, null]);
  t.same(calls(), ['-- passwd a']);
});

t.test('one that fails, or is not there, knows nobody', async (t) => {
  withGetent(t, 'echo nonsense; exit 1');
  t.same([askNow('passwd', ['a']), await askLater('passwd', [1])], [[], []]);
  process.env.PATH = '/nonexistent';
  t.same([askNow('passwd', ['a']), await askLater('passwd', [1])], [[], []]);
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
