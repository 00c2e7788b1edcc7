/** `dmabrokerctl top` against a real daemon where there is no screen: once, and as JSON. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { nextMillisecond } from '../support/next-millisecond.js';
import { ctl } from './support/again.js';
import { main } from './support/ctl.js';

const daemon = await TestDaemon.memfd(t);
const top = ['--socket', daemon.restSocket, 'top'];
for (const size of [4096, 65_536, 8192]) {
  await daemon.rest('POST', '/v1/buffers', { kind: 'buffer', size, handle_types: ['memfd'] });
  await nextMillisecond();
}

t.test('--once: totals, users, buffers by size', async (t) => {
  const { status, stdout, stderr } = await ctl([...top, '--once', '--limit', '2']);
  t.equal(status, 0, stderr);
  const [totals = '', , users = '', user = '', , head = '', ...buffers] = stdout.split('\n');
  t.match(totals, /^\d{4}-.*Z {2}memory 76 KiB \/ \S+ \S+ {2}buffers 3 \/ /);
  t.match(users, /^USER +UID +MEMORY +LIMIT +BUFFERS +FDS +RECALLED +OVER$/);
  t.match(user, new RegExp(`^\\S+ +${process.getuid?.()} +76 KiB +\\S.* 3 +3 +0$`));
  t.match(head, /^NAME +ID +SIZE +STATE +OWNER +AGE +CONTENTS +RECIPIENTS +HANDLE +UNIT$/);
  t.match(buffers, [/ 64 KiB +live .* buffer /, / 8 KiB +live .* buffer /, /^$/]);
  t.notMatch(stdout, '\u001b');
});

t.test('--json: one document for each look', async (t) => {
  const looked = await ctl([...top, '--once', '--json']);
  t.match(JSON.parse(looked.stdout), {
    daemon: { scope: 'daemon', charge: { bytes: 77_824 } },
    users: [{ charge: { buffers: 3 } }],
    buffers: [{ size: 65_536 }, { size: 8192 }, { size: 4096 }],
  });

  const child = spawn(process.execPath, [main, ...top, '--json', '--interval', '0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    seen.push(JSON.parse(line));
    if (seen.length === 2) child.kill();
  }
  t.match(seen.slice(0, 2), Array(2).fill({ buffers: [{ size: 65_536 }, {}, {}] }));
});

t.test('sorted and filtered as is asked for', async (t) => {
  const sizes = async (...args: string[]) => {
    const { stdout } = await ctl([...top, '--once', '--json', ...args]);
    return JSON.parse(stdout).buffers.map(({ size }: { size: number }) => size);
  };
  t.same(await sizes('--sort', 'created_at'), [4096, 65_536, 8192]);
  t.same(await sizes('--sort', 'size', '--min-size', '8K'), [8192, 65_536]);
  t.same(await sizes('--state', 'lost'), []);
  t.match(await ctl([...top, '--sort', 'colour']), { status: 2, stderr: /Allowed choices are/ });
});

t.test('an interval that makes no sense, no daemon', async (t) => {
  for (const interval of ['0', '0.05', 'x', '1e9']) {
    const run = await ctl([...top, '--interval', interval]);
    t.match(run, { status: 2, stderr: /is no interval from/ });
  }
  t.match(await ctl(['--socket', '/nowhere', 'top']), { status: 3, stdout: '' });
});

t.test('a restart of the daemon ends no look but the first', async (t) => {
  const { folder } = daemon;
  const child = spawn(process.execPath, [main, ...top, '--json', '--interval', '0.1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const looks = createInterface(child.stdout)[Symbol.asyncIterator]();
  const told = text(child.stderr);
  const time = async () => JSON.parse((await looks.next()).value).time as string;
  const before = await time();
  await daemon.stop();
  mkdirSync(folder, { recursive: true });
  const second = await TestDaemon.start([], { env: withoutVulkan, folder });
  const started = new Date().toISOString();
  let now = before;
  while (now < started) now = await time();
  t.ok(now > before, 'it looks at the new daemon');
  child.kill();
  await second.stop();
  t.match(await told, /^dmabrokerctl: cannot reach the daemon: .* is not up to date\n/);
});
