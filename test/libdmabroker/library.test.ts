/** The C library's own checks (clients/c/tests) and its example, under the compiler's sanitizers. */
import { join } from 'node:path';
import t from 'tap';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { ServiceManager } from '../support/service-manager.js';
import { CLIENT, checks, lineOf, moved, placesOf, run, start } from './support.js';

const BUILD = 'build/sanitized';
const ALL = ['memory', 'work', 'kinds', 'batch', 'import', 'errors', 'connecting', 'full', 'loop'];

t.before(async () => {
  const wanted = ['--silent', 'SANITIZE=1', `BUILD=${BUILD}`, 'CFLAGS=-O0 -g1', 'check-programs'];
  const { status, stderr } = await run('make', wanted);
  if (status !== 0) throw new Error(stderr);
});

// For all of them in turn, until one kills it.
const daemon = await TestDaemon.memfd(t);

t.test('the example', async (t) => {
  const before = await daemon.idleFds();
  const example = join(CLIENT, BUILD, 'example');
  const drawing = start(example, ['draw'], placesOf(daemon));
  const token = await lineOf(drawing);
  const looked = await run(example, ['look', token], placesOf(daemon));
  t.match(looked.stdout, /^[a-z2-7]{13} 640x480 from memfd: ff000000 ff027fdf\n$/, looked.stderr);
  const again = await run(example, ['look', token], placesOf(daemon));
  t.match(again.stderr, /^redeem: the token is unknown, used up/);
  t.equal(again.status, 1);
  drawing.stdin.end();
  t.equal((await drawing.ended).status, 0);
  const nobody = await run(example, ['draw'], { DMABROKER_SOCKET: '/nowhere' });
  t.equal(nobody.stderr, 'connect: nobody answers at /nowhere: No such file or directory\n');
  await daemon.settled(before);
});

t.test('with a daemon that does not read for a while', async (t) => {
  const before = await daemon.idleFds();
  const stalled = checks(BUILD, 'stalled', placesOf(daemon));
  t.equal(await lineOf(stalled), 'ready');
  await daemon.standStill();
  try {
    stalled.stdin.write('\n');
    t.equal(await lineOf(stalled), 'full');
  } finally {
    daemon.process.kill('SIGCONT');
  }
  stalled.stdin.end('\n');
  const { status, stderr } = await stalled.ended;
  t.equal(status, 0, stderr);
  await daemon.settled(before);
});

t.test('with a daemon', async (t) => {
  const before = await daemon.idleFds();
  const { status, stdout, stderr } = await checks(BUILD, 'all', placesOf(daemon)).ended;
  t.equal(status, 0, stderr);
  t.equal(stderr, '', 'nothing is said, by the sanitizers neither');
  t.equal(stdout, `${ALL.join('\n')}\n`);
  const uid = process.getuid?.() ?? 0;
  await daemon.rest('PUT', `/v1/quotas/user/${uid}`, { bytes: 16_384 });
  const waiting = await checks(BUILD, 'waiting', placesOf(daemon)).ended;
  t.equal(waiting.status, 0, waiting.stderr);
  t.equal(waiting.stderr, '');
  await daemon.rest('DELETE', `/v1/quotas/user/${uid}`);
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'the daemon found nothing wrong with itself');
});

t.test('with a daemon that is killed, and one that knows nothing of it', async (t) => {
  const vanishing = checks(BUILD, 'vanishing', placesOf(daemon));
  t.equal(await lineOf(vanishing), 'ready');
  const env = withoutVulkan;
  await moved(t, BUILD, 'gone', async (folder) =>
    folder === undefined ? daemon : TestDaemon.start([], { env, folder, awaited: true }),
  );
  vanishing.stdin.end('\n');
  const { status, stderr } = await vanishing.ended;
  t.equal(status, 0, stderr);
  t.equal(stderr, '');
});

t.test('with a daemon that is killed, and one that has what was kept', async (t) => {
  const manager = new ServiceManager(t);
  await moved(t, BUILD, 'adopted', () => manager.start([], { env: withoutVulkan }));
});
