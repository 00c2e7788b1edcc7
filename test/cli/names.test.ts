/** Who is called what: one question for all, none for a daemon that may be another machine's. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Names } from '../../src/cli/names.js';
import { temporaryFolder } from '../support/folder.js';
import { ctl } from './support/again.js';

const folder = temporaryFolder(t);
const asked = join(folder, 'asked');
// As getent(1) does, it ends with 2 where an id is missing.
writeFileSync(
  join(folder, 'getent'),
  `#!/bin/sh
echo "$@" >> ${asked}
for id in "$@"; do case $id in
  1000) echo 'alice:x:1000:1000::/:/bin/sh' ;;
  1001) printf 'b\\033[2Job:x:1001:1001::/:/bin/sh\\n' ;;
  1003) echo '1000:x:1003:1003::/:/bin/sh' ;;
esac; done
exit 2
`,
);
chmodSync(join(folder, 'getent'), 0o755);
const env = { PATH: `${folder}:${process.env.PATH}` };
const questions = () => readFileSync(asked, 'utf8').trimEnd().split('\n');

const process_ = (uid: number) => ({
  ...{ pid: uid, uid, executable: 'weston', cgroup: '/', unit: null, slice: null },
  ...{ container: null, bytes: 4096, buffers: 1, fds: 1, mappings: 0, clients: [] },
  started_at: new Date().toISOString(),
});
const uids = [1000, 1001, 1002, 1000, 1003];
const answer = { processes: uids.map(process_), complete: true, missing: null };

const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
});
t.before(() => new Promise<void>((resolve) => server.listen(join(folder, 'rest.sock'), resolve)));
t.teardown(() => server.close());

t.test('a table: names, numbers where there are none, one question', async (t) => {
  writeFileSync(asked, '');
  const ps = ['--socket', join(folder, 'rest.sock'), 'ps'];
  const { stdout } = await ctl([...ps, '-o', 'pid,user'], env);
  t.equal(
    stdout,
    // The one who is called as another's number has one.
    'PID   USER\n1000  alice\n1001  bob\n1002  1002\n1000  alice\n1003  1003\n',
  );
  t.same(questions(), ['-- passwd 1000 1001 1002 1003']);
  const { stdout: json } = await ctl([...ps, '--json'], env);
  t.same(JSON.parse(json), answer, 'JSON is as it came');
  t.equal(questions().length, 1, 'and nobody was asked');
});

t.test('at a URL: numbers', async (t) => {
  const other = createServer((_, response) => response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  writeFileSync(asked, '');
  writeFileSync(join(folder, 'token'), 'secret-token-0123456789', { mode: 0o600 });
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const at = ['--url', url, '--token-file', join(folder, 'token')];
  const { stdout } = await ctl([...at, 'ps', '-o', 'user'], env);
  t.equal(stdout, `USER\n${uids.join('\n')}\n`);
  t.same(questions(), [''], 'nobody was asked');
});

t.test(
  'users and groups, wherever an answer has them, and what is known is not asked',
  async (t) => {
    const names = new Names(true);
    await names.learn({ uid: 0, groups: [0], items: [{ owner: { uid: null } }] });
    await names.learn([{ scope: 'user', key: '0' }, { scope: 'cgroup', key: '7' }, null, 'text']);
    t.equal(names.user(0), 'root');
    t.equal(names.nameOf('group', 0), 'root');
    t.equal(names.user(7), '7', 'nobody asked for it');
    t.equal(new Names(false).user(0), '0');
  },
);
