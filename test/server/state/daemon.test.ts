/**
 * What was answered is kept and in force, and what is refused is neither: with a disk that is full, a
 * limit of the process, and a daemon that is killed while it writes.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually, runDaemon, TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { atNight } from '../../support/night.js';
import { Random, seed } from '../../support/random.js';

const path = (uid: number) => `/v1/quotas/user/${uid}`;
const REFUSED = { status: 507, body: { code: 'not_stored' } };

/** The quotas in a state folder's file; throws where it is not whole. */
function kept(folder: string): Map<string, { bytes: number }> {
  const { quotas } = JSON.parse(readFileSync(join(folder, 'quotas.json'), 'utf8'));
  return new Map(Object.entries(quotas));
}

/** Sets one quota after the other until one is refused; how many were answered. */
async function fill(daemon: TestDaemon, most: number) {
  for (let uid = 1; uid <= most; uid++) {
    const answer = await daemon.rest('PUT', path(uid), { bytes: uid });
    if (answer.status !== 200) return { set: uid - 1, answer };
  }
  throw new Error(`${most} quotas and still room`);
}

/** What the daemon says is in force is what was answered, and what is in the file. */
async function inStep(daemon: TestDaemon, folder: string, set: number): Promise<boolean> {
  const refused = await daemon.rest('GET', path(set + 1));
  const last = await daemon.rest('GET', path(set));
  return (
    kept(folder).size === set &&
    last.body.settings.bytes.value === set &&
    refused.body.settings.bytes.from === 'default'
  );
}

await withoutLeaks(t, 'state of a daemon', async (t) => {
  await t.test('a file that may not grow, and a second daemon with the same state', async (t) => {
    const state = temporaryFolder(t);
    const env = { ...withoutVulkan, STATE_DIRECTORY: state };
    // write(2) takes what still fits, and answers EFBIG then.
    const limited = await TestDaemon.start([], { env, wrapper: ['prlimit', '--fsize=3000'] });
    const { set, answer } = await fill(limited, 200);
    t.match(answer, REFUSED);
    t.match(answer.body, { refusal: { constraint: 'EFBIG' }, detail: /nothing has changed/ });
    t.ok(await inStep(limited, state, set), `${set} are in force and kept`);
    t.match(await limited.rest('DELETE', path(1)), { status: 200 }, 'less is possible');
    t.match(await limited.rest('PUT', path(1), { bytes: 1 }), { status: 200 });
    t.same(limited.errors, [], 'no defect');

    const folder = temporaryFolder(t);
    const sockets = ['--socket', join(folder, 'c.sock'), '--rest-socket', join(folder, 'r.sock')];
    const { status, stderr } = await runDaemon(...sockets, '--state-dir', state);
    t.equal(status, 1, 'a second daemon with the same state does not start');
    t.match(stderr, `another daemon uses ${state}: --state-dir names another folder`);
    t.match(await limited.rest('PUT', path(1), { bytes: 1 }), { status: 200 }, 'the first goes on');
    t.equal(await limited.stop(), 0);

    const second = await TestDaemon.start(['--state-dir', state], { env: withoutVulkan });
    t.ok(await inStep(second, state, set), 'after a restart, too');
    t.equal(await second.stop(), 0);
  });

  const mounts = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  const skip = mounts ? false : 'a file system can be mounted by root alone';
  await t.test('a disk without room', { skip }, async (t) => {
    const state = temporaryFolder(t);
    const mount = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"';
    const daemon = await TestDaemon.start(['--state-dir', state], {
      env: withoutVulkan,
      wrapper: ['unshare', '-m', 'sh', '-c', mount, state],
    });
    // Through its own mounts.
    const folder = join('/proc', String(daemon.pid), 'root', state);
    t.match(await daemon.rest('PUT', path(1), { bytes: 1 }), { status: 200 });
    const filler = join(folder, 'filler');
    try {
      writeFileSync(filler, Buffer.alloc(1 << 20));
    } catch {
      // It is full now.
    }
    const answer = await daemon.rest('PUT', path(2), { bytes: 2 });
    t.match(answer, REFUSED);
    t.match(answer.body, { refusal: { constraint: 'ENOSPC' }, detail: /no space is left/ });
    t.ok(await inStep(daemon, folder, 1));
    const warnings = async () => (await daemon.rest('GET', '/healthz')).body.warnings;
    t.match((await warnings()).at(-1), /no space is left/);
    rmSync(filler);
    t.match(await daemon.rest('PUT', path(2), { bytes: 2 }), { status: 200 });
    t.ok(await inStep(daemon, folder, 2));
    t.notMatch((await warnings()).join('\n'), /no space is left/, 'it is over');
    t.same(daemon.errors, []);
    t.equal(await daemon.stop(), 0);
  });

  await t.test('killed in the midst of many changes', async (t) => {
    const state = temporaryFolder(t);
    const chosen = seed();
    t.comment(`DMABROKER_SEED=${chosen}`);
    const random = new Random(chosen);
    const answered = new Map<string, number>();
    for (let round = 0; round < atNight(3, 30); round++) {
      const daemon = await TestDaemon.start(['--state-dir', state], { env: withoutVulkan });
      const asked = new Map<string, number>();
      const change = async (uid: number) => {
        for (let bytes = round * 1000; ; bytes++) {
          asked.set(`user/${uid}`, bytes);
          const { status } = await daemon.rest('PUT', path(uid), { bytes });
          if (status === 200) answered.set(`user/${uid}`, bytes);
        }
      };
      const ended = once(daemon.process, 'exit');
      const changes = [1, 2, 3].map((uid) => change(uid).catch(() => {}));
      await eventually(() => answered.size === 3, 'each was set once');
      await new Promise((resolve) => setTimeout(resolve, 20 + random.below(200)));
      daemon.process.kill('SIGKILL');
      await ended;
      await Promise.all(changes);
      await daemon.stop();
      const file = kept(state);
      for (const [id, bytes] of answered) {
        const now = file.get(id)?.bytes ?? -1;
        if (now < bytes || now > (asked.get(id) ?? 0)) t.fail(`${id}: ${now}, answered ${bytes}`);
        answered.set(id, now);
      }
    }
    t.equal(answered.size, 3, 'all were answered');
  });
});
