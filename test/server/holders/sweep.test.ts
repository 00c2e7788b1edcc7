/** One sweep over all processes: fds, copies, mappings, other processes; and what it may not see. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { SystemClock } from '../../../src/native/clock.js';
import { close, duplicate, identity } from '../../../src/native/libc/fd.js';
import { map, sealedMemfd } from '../../../src/native/libc/memory.js';
import { packageRoot } from '../../../src/package-root.js';
import { holdersReport } from '../../../src/server/holders/report.js';
import { Sweeper, sweep } from '../../../src/server/holders/sweep.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';

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

  await t.test('what this process has is reported apart', async (t) => {
    const [copy, mapping] = [duplicate(memfd), map(memfd, 4096, { write: true })];
    const report = holdersReport(memories(), await sweep(clock), clock);
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
      await sweep(clock),
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
    t.same(holdersReport(memories(), await sweep(clock), clock).holders, []);
  });

  await t.test('asked for often, done once', async (t) => {
    const fake = new FakeClock();
    const sweeper = new Sweeper(fake);
    const [one, two] = await Promise.all([sweeper.sweep(), sweeper.sweep()]);
    t.equal(one, two);
    fake.setDate(3_600_000);
    t.equal(await sweeper.sweep(), one);
    fake.pass(1000);
    t.not(await sweeper.sweep(), one, 'a second is over');
  });

  await t.test('who was handed it in another pid namespace is not seen', async (t) => {
    const report = holdersReport({ ...memories(), outside: 1 }, await sweep(clock), clock);
    t.match(report, { complete: false, missing: /^1 that were handed it .* pid namespace/ });
  });

  await t.test('an opaque fd', async (t) => {
    const report = holdersReport(
      { identities: [], clients: [], outside: 0 },
      await sweep(clock),
      clock,
    );
    t.match(report, { holders: [], complete: false, missing: /opaque/ });
  });

  await t.test('as a user who may not look', { skip: process.getuid?.() !== 0 }, async (t) => {
    const compiled = join(packageRoot, 'dist', 'src');
    const file = join(compiled, 'server', 'holders', 'sweep.js');
    const clockFile = join(compiled, 'native', 'clock.js');
    const code = `
      import { sweep } from ${JSON.stringify(file)};
      import { SystemClock } from ${JSON.stringify(clockFile)};
      const { unreadable, hidden } = await sweep(new SystemClock());
      console.log(JSON.stringify({ unreadable, hidden }));
    `;
    const text = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
    });
    const { unreadable, hidden } = JSON.parse(text) as { unreadable: number; hidden: boolean };
    t.ok(unreadable >= 2, `${unreadable} processes: this one and the first`);
    const blind = { ...(await sweep(clock)), unreadable, hidden };
    t.match(holdersReport(memories(), blind, clock), {
      complete: false,
      missing: /CAP_SYS_PTRACE/,
    });
  });
  close(memfd);
});
