/** What a service manager hands over is taken as it is, and what it says wrongly is survived, with a reason. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { takeInherited } from '../../src/native/inherited.js';
import { programFile } from '../support/programs.js';

const pid = `${process.pid}`;
const none = { fds: [], problems: [] };
/** These of this process are open: Node's own. */
const [three, four] = [3, 4];

t.test('two, by name', async (t) => {
  const env = { LISTEN_PID: pid, LISTEN_FDS: '2', LISTEN_FDNAMES: 'one:two', HOME: '/' };
  const fds = [
    { name: 'one', fd: three },
    { name: 'two', fd: four },
  ];
  t.same(takeInherited(env), { fds, problems: [] });
  t.same(env, { HOME: '/' }, 'no child takes them for its own');
});

t.test('without names, with too few, with empty ones', async (t) => {
  const names = (given: object) =>
    takeInherited({ LISTEN_PID: pid, LISTEN_FDS: '2', ...given }).fds.map(({ name }) => name);
  t.same(names({}), ['unknown', 'unknown']);
  t.same(names({ LISTEN_FDNAMES: 'one' }), ['unknown', 'unknown'], 'whose it is, nobody knows');
  t.same(names({ LISTEN_FDNAMES: ':two' }), ['unknown', 'two']);
  const { problems } = takeInherited({ LISTEN_PID: pid, LISTEN_FDS: '2', LISTEN_FDNAMES: 'one' });
  t.match(problems, [/has 1 names for 2 descriptors/]);
});

t.test('nothing, another process’s, nonsense', async (t) => {
  t.same(takeInherited({}), none);
  const env = { LISTEN_PID: '1', LISTEN_FDS: '2', LISTEN_FDNAMES: 'one:two' };
  t.same(takeInherited(env), none);
  t.same(env, {});
  t.same(takeInherited({ LISTEN_PID: pid, LISTEN_FDS: '0', LISTEN_FDNAMES: '' }), none);
  for (const LISTEN_FDS of ['', '-1', '2x', '1e3', '0x2', '99999', '99999999999999999999']) {
    const { fds, problems } = takeInherited({ LISTEN_PID: pid, LISTEN_FDS });
    t.same(fds, [], LISTEN_FDS);
    t.match(problems, [/LISTEN_FDS is no number of descriptors/]);
  }
});

t.test('one that is not there', async (t) => {
  const { fds, problems } = takeInherited({ LISTEN_PID: pid, LISTEN_FDS: '5000' });
  t.ok(fds.length > 0);
  t.equal(fds.length + problems.length, 5000, 'each is there, or told');
  t.match(problems.at(-1), /^descriptor 5002 of LISTEN_FDS=5000 is not there \(EBADF\)$/);
});

t.test('thousands, in a process of its own', async (t) => {
  const COUNT = 3000;
  const nothing = openSync('/dev/null', 'r');
  t.teardown(() => closeSync(nothing));
  const program = programFile('inherited');
  const script = `LISTEN_PID=$$ LISTEN_FDS=${COUNT} exec "$@"`;
  const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: COUNT }, () => nothing)],
  });
  t.same(
    JSON.parse(stdout || 'null'),
    {
      fds: COUNT,
      ends: [
        { name: 'unknown', fd: 3 },
        { name: 'unknown', fd: 2 + COUNT },
      ],
      problems: [],
      cloexec: true,
      childFds: 4,
      childEnv: false,
    },
    stderr,
  );
});
