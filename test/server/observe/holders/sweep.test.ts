/** One sweep over all processes: fds, copies, mappings, other processes; and what it may not see. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import t from 'tap';
import { SystemClock } from '../../../../src/native/clock.js';
import { close, duplicate, identity } from '../../../../src/native/libc/fd.js';
import { map, sealedMemfd } from '../../../../src/native/libc/memory.js';
import { receive, send } from '../../../../src/native/libc/socket.js';
import { packageRoot } from '../../../../src/package-root.js';
import { mayHaveFds } from '../../../../src/server/machine/proc.js';
import { holdersReport } from '../../../../src/server/observe/holders/report.js';
import { sweep } from '../../../../src/server/observe/holders/sweep.js';
import { Sweeper } from '../../../../src/server/observe/holders/sweeper.js';
import { connectedPair } from '../../../support/accept.js';
import { FakeClock } from '../../../support/clock.js';
import { eventually } from '../../../support/daemon.js';
import { withoutLeaks } from '../../../support/fds.js';
import { temporaryFolder } from '../../../support/folder.js';
import { FuseFile, fuseMissing } from '../../../support/fuse.js';
import { programFile } from '../../../support/programs.js';

const clock = new SystemClock();

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

await withoutLeaks(t, 'a sweep', async (t) => {
  const memfd = sealedMemfd('dmabroker:test', 8192);
  const memory = identity(memfd);
  const memories = (clients: { id: string; pid: number }[] = []) => ({
    identities: [memory],
    clients,
    outside: 0,
  });

  const look = (messages = false) => sweep(clock, { memories: new Set([memory]), messages });

  await t.test('what this process has is reported apart', async (t) => {
    const [copy, mapping] = [duplicate(memfd), map(memfd, 4096, { write: true })];
    const report = holdersReport(memories(), await look(), clock);
    t.same(report.daemon, { fds: 2, mappings: 1 });
    t.same(report.holders, []);
    mapping.release();
    close(copy);
  });

  await t.test('another process', async (t) => {
    const child = spawn('sleep', ['1000'], { stdio: ['ignore', memfd, memfd] });
    t.teardown(() => end(child));
    await once(child, 'spawn');
    const pid = child.pid ?? -1;
    const report = holdersReport(
      memories([
        { id: 'c5', pid },
        { id: 'c6', pid: 1 },
      ]),
      await look(),
      clock,
    );
    t.match(report.holders, [
      {
        pid,
        uid: process.getuid?.(),
        executable: 'sleep',
        fds: 2,
        mappings: 0,
        clients: ['c5'],
        started_at: /Z$/,
      },
    ]);
    // Root in a container may not look into its first process.
    t.equal(report.complete, report.unreadable === 0);
    t.equal(report.missing === null, report.complete);
    await end(child);
    t.same(holdersReport(memories(), await look(), clock).holders, []);
  });

  for (const how of ['unshared', 'headless']) {
    const where =
      how === 'unshared' ? 'a thread of its own table' : 'a process without its first thread';
    await t.test(`what ${where} has is seen`, async (t) => {
      const program = programFile('own-table');
      const child = spawn(process.execPath, [program, '3', how], {
        stdio: ['ignore', 'pipe', 'inherit', memfd],
      });
      t.teardown(() => end(child));
      await once(child.stdout as Readable, 'data');
      const seen = async () => holdersReport(memories(), await look(), clock).holders;
      // Its first thread is about to close it, or to end.
      await eventually(() => !existsSync(`/proc/${child.pid}/fd/3`), 'it is not where one looks');
      t.match(await seen(), [{ pid: child.pid, fds: 1 }]);
      await end(child);
      t.same(await seen(), []);
    });
  }

  await t.test('a process that has ended and is not waited for has nothing', async (t) => {
    const child = spawn('sh', ['-c', 'true & exec sleep 1000'], { stdio: 'ignore' });
    t.teardown(() => end(child));
    const children = `/proc/${child.pid}/task/${child.pid}/children`;
    const zombie = () => Number(readFileSync(children, 'utf8').trim());
    await eventually(
      () => zombie() > 0 && /\) Z /.test(readFileSync(`/proc/${zombie()}/stat`, 'utf8')),
      'there is one',
    );
    t.notOk(mayHaveFds(zombie()));
    t.ok(mayHaveFds(child.pid ?? -1));
  });

  await t.test('fds in a message that nobody receives', async (t) => {
    const path = join(temporaryFolder(t), 'socket');
    const [one, other] = connectedPair(path);
    const uid = process.getuid?.() ?? -1;
    const inFlight = async () => (await look(true)).inFlight.get(uid) ?? 0;
    const before = await inFlight();
    send(one, Buffer.from('x'), [memfd, memfd]);
    const copy = duplicate(other);
    t.equal(await inFlight(), before + 2, 'counted once, however often its process has the socket');
    t.equal((await look()).inFlight.size, 0, 'only where it is asked for');
    for (const fd of receive(other)?.fds ?? []) close(fd);
    t.equal(await inFlight(), before);
    for (const fd of [one, other, copy]) close(fd);
  });

  await t.test(
    'a file that is called like memory is not waited for',
    {
      skip: fuseMissing(),
    },
    async (t) => {
      const file = await FuseFile.mount(t);
      const fd = file.openDetached('dmabuf:mine');
      t.equal(readlinkSync(`/proc/self/fd/${fd}`), '/dmabuf:mine');
      await file.hold('GETATTR');
      const { own } = await look();
      t.match([...own.values()], [{ fds: 1 }], 'it is seen, as a memory of nobody');
      await file.letGo();
      close(fd);
    },
  );

  await t.test('asked for often, done once', async (t) => {
    const fake = new FakeClock();
    const memories = new Set<string>();
    let looks = 0;
    const sweeper = new Sweeper(
      fake,
      async () => memories,
      (clock, wanted) => {
        looks++;
        return sweep(clock, wanted);
      },
    );
    t.equal((await sweeper.sweep()).holders.size, 0);
    t.equal(looks, 0, 'of nothing nobody has something');
    fake.pass(1000);
    memories.add(memory);
    const [one, two] = await Promise.all([sweeper.sweep(), sweeper.sweep()]);
    t.equal(one, two);
    fake.setDate(3_600_000);
    t.equal(await sweeper.sweep(), one);
    fake.pass(1000);
    t.not(await sweeper.sweep(), one, 'a second is over');
  });

  await t.test('who was handed it in another pid namespace is not seen', async (t) => {
    const report = holdersReport({ ...memories(), outside: 1 }, await look(), clock);
    t.match(report, { complete: false, missing: /^1 that were handed it .* pid namespace/ });
  });

  await t.test('an opaque fd', async (t) => {
    const report = holdersReport({ identities: [], clients: [], outside: 0 }, await look(), clock);
    t.match(report, { holders: [], complete: false, missing: /opaque/ });
  });

  await t.test('as a user who may not look', { skip: process.getuid?.() !== 0 }, async (t) => {
    const compiled = join(packageRoot, 'dist', 'src');
    const file = join(compiled, 'server', 'observe', 'holders', 'sweep.js');
    const clockFile = join(compiled, 'native', 'clock.js');
    const code = `
      import { sweep } from ${JSON.stringify(file)};
      import { SystemClock } from ${JSON.stringify(clockFile)};
      const wanted = { memories: new Set() };
      const { unreadable, hidden } = await sweep(new SystemClock(), wanted);
      console.log(JSON.stringify({ unreadable, hidden }));
    `;
    const text = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
    });
    const { unreadable, hidden } = JSON.parse(text) as { unreadable: number; hidden: boolean };
    t.ok(unreadable >= 2, `${unreadable} processes: this one and the first`);
    const blind = { ...(await look()), unreadable, hidden };
    t.match(holdersReport(memories(), blind, clock), {
      complete: false,
      missing: /processes of other users cannot be read/,
    });
  });
  close(memfd);
});
