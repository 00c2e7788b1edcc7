/**
 * Programs that know the kernel's devices alone, under clients/heaps and where there is no such device: one that makes the
 * calls itself (clients/heaps/tests/ask.c), and GStreamer's libcamerasrc and libcamera's `cam` as Debian has them. libcamera's
 * virtual camera takes its frames' memory from a heap; they are compared with those of a run without.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { blocksOf } from '../docs/pages.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { atNight } from '../support/night.js';
import { proof } from '../support/proofs.js';

const build = join(packageRoot, 'clients/heaps/build');
const LD_PRELOAD = join(build, 'libdmabroker-heaps.so');
const ask = join(build, 'ask');

/** What is tested here is the kernel's memory. */
const begin = (folder?: string) =>
  TestDaemon.start([], { env: withoutVulkan, ...(folder !== undefined && { folder }) });
const daemon = await begin();
t.teardown(() => daemon.end('SIGKILL'));
const before = await daemon.idleFds();

/** What a program finds: a socket and no device. */
const SANDBOX = [
  ...['unshare', '--mount', 'sh', '-ec'],
  'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec env LD_PRELOAD="$0" "$@"',
  LD_PRELOAD,
];
const sandboxed = { DMABROKER_SOCKET: daemon.clientSocket };

function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = packageRoot) {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const said = Promise.all([text(child.stdout), text(child.stderr), closed]);
  const ended = said.then(([stdout, stderr, [status]]) => ({ stdout, stderr, status }));
  return { child, ended };
}

/** Runs to its end in the sandbox. */
async function inSandbox(...argv: string[]) {
  const { child, ended } = start([...SANDBOX, ...argv], sandboxed);
  child.stdin.end();
  return ended;
}

/** One that has memory, and waits. */
async function holder(t: Test, what: string, length: number, group?: string) {
  const inGroup =
    group === undefined ? [] : ['sh', '-c', 'echo $$ >"$0"/cgroup.procs; exec "$@"', group];
  const argv = [...inGroup, ...SANDBOX, ask, 'hold', what, String(length)];
  const { child, ended } = start(argv, sandboxed);
  t.teardown(() => child.kill('SIGKILL'));
  const over = ended.then(({ stderr }) => [stderr]);
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), over]);
  t.equal(line, 'holds');
  return { child, ended };
}

/** The user's charge for memory. */
async function charged(): Promise<number> {
  const { body } = await daemon.rest('GET', '/v1/quotas/user/0');
  return body.charge.bytes;
}

t.test('memory of a heap without a device node, until its program is killed', async (t) => {
  const length = 1 << 20;
  const { child, ended } = await holder(t, 'system', length);
  const [buffer, ...others] = await daemon.buffers();
  t.match(buffer, { source: 'dma-heap:system', size: length, state: 'lingering' });
  t.strictSame(others, []);
  t.equal(await charged(), length, 'the ledger has it');
  child.kill('SIGKILL');
  await ended;
  await daemon.settled(before);
  t.equal(await charged(), 0, 'and has it no more');
});

t.test('an opened device goes where the program has it go', async (t) => {
  t.match(await inSandbox(ask, 'passing', 'system'), { status: 0, stdout: 'passed\n', stderr: '' });
  await daemon.settled(before);
});

t.test("what is wrong is refused in the devices' words", async (t) => {
  const { stdout, stderr } = await inSandbox(ask, 'wrong', 'system');
  t.equal(stderr, '');
  t.strictSame(stdout.trim().split('\n'), [
    ...['length EINVAL', 'fd EINVAL', 'fd_flags EINVAL', 'heap_flags EINVAL', 'huge ENOMEM'],
    ...['other ENOTTY', 'missing ENOENT', 'folder ENOENT'],
  ]);
  await daemon.settled(before);
});

t.test('a quota is the end of it, and what was let go of can be had again', async (t) => {
  await daemon.rest('PUT', '/v1/quotas/user/0', { bytes: 1 << 20 });
  for (const _ of ['once', 'again']) {
    const { stdout } = await inSandbox(ask, 'spend', 'system', String(1 << 18));
    t.equal(stdout, '4 ENOMEM\n');
  }
  await daemon.rest('DELETE', '/v1/quotas/user/0');
  await daemon.settled(before);
});

t.test("the program's own memory, by /dev/udmabuf", async (t) => {
  const length = 4 << 20;
  const group = '/sys/fs/cgroup/own-memory';
  writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory');
  mkdirSync(group);
  t.teardown(() => rmdirSync(group));
  const current = () => Number(readFileSync(join(group, 'memory.current'), 'utf8'));
  const { child, ended } = await holder(t, 'udmabuf', length, group);
  const [buffer, ...others] = await daemon.buffers();
  const expected = { source: 'udmabuf', size: length, funded_by: 'client', state: 'lingering' };
  t.match(buffer, expected);
  t.strictSame(others, []);
  t.equal(await charged(), length, 'the ledger has it once');
  t.ok(current() >= length, `the kernel charges the program's control group: ${current()}`);
  child.kill('SIGKILL');
  await ended;
  await daemon.settled(before);
  t.equal(await charged(), 0);
  t.ok(current() < length, `and the kernel charges nobody: ${current()}`);
});

t.test('what is no memory for /dev/udmabuf is refused in its words', async (t) => {
  const { stdout, stderr } = await inSandbox(ask, 'wrong', 'udmabuf');
  t.equal(stderr, '');
  t.strictSame(stdout.trim().split('\n'), [
    ...['offset EINVAL', 'size EINVAL', 'nothing EINVAL', 'end EINVAL', 'closed EBADF'],
    ...['unsealed EINVAL', 'unwritable EINVAL', 'pipe EBADFD', 'none EINVAL', 'one OK'],
    'two EINVAL',
  ]);
  await daemon.settled(before);
});

t.test('without a daemon', async (t) => {
  const nobody = { DMABROKER_SOCKET: '/nonexistent' };
  const said = /^dmabroker-heaps: \/dev\/dma_heap\/system: the system's own device is used, since /;
  const device = start(['env', `LD_PRELOAD=${LD_PRELOAD}`, ask, 'passing', 'system'], nobody);
  const { stdout, stderr } = await device.ended;
  t.equal(stdout, 'passed\n', 'the device itself');
  t.match(stderr, said);
  const none = start([...SANDBOX, ask, 'hold', 'system', '4096'], nobody);
  t.match((await none.ended).stderr, 'No such file or directory', 'where there is none, none');
});

t.test('what is mapped to another source, or to nothing', async (t) => {
  const mapped = (rules: string) =>
    start(
      [...SANDBOX, 'env', `DMABROKER_HEAPS=${rules}`, ask, 'hold', 'linux,cma', '4096'],
      sandboxed,
    );
  const { child, ended } = mapped('reserved=memfd linux,cma=udmabuf');
  await once(child.stdout, 'data');
  t.match(await daemon.buffers(), [{ source: 'udmabuf', size: 4096 }]);
  child.stdin.end();
  t.equal((await ended).status, 0);
  t.match((await mapped('linux,cma=').ended).stderr, 'No such file or directory');
  await daemon.settled(before);
});

// ---- a camera that takes its frames' memory from a heap ---------------------------------------------

/** As the page has it described. */
const [width, height] = [320, 240];
const FRAME = (width * height * 3) / 2;
const FRAMES = 9; // as the page has it
/** What the page has made without the library. */
let plain = Buffer.alloc(0);

/** How many buffers a source has made until now. */
async function madeBy(source: string): Promise<number> {
  const { body } = await daemon.rest('GET', '/metrics');
  const line = `^dmabroker_allocations_total\\{source="${source}",result="ok"\\} (\\d+)$`;
  return Number(new RegExp(line, 'm').exec(body)?.[1] ?? 0);
}

const gstreamer = (file: string) => [
  ...['gst-launch-1.0', '--quiet', 'libcamerasrc', 'camera-name=Virtual0', '!'],
  ...[`video/x-raw,format=NV12,width=${width},height=${height}`, '!'],
  ...['identity', `eos-after=${FRAMES + 1}`, '!', 'filesink', `location=${file}`],
];

/** libcamerasrc 0.4 aborts at times, on its own (docs/heaps.md; an empty queue of its requests): another run then. */
async function withoutAbort<T extends { status: number | null; stderr: string }>(
  run: () => Promise<T>,
): Promise<T> {
  for (let left = 10; ; left--) {
    const ran = await run();
    if (ran.status === 0 || left === 0 || !ran.stderr.includes('RequestWrap')) return ran;
  }
}

t.test('what docs/heaps.md shows, as it is typed', async (t) => {
  // There is no compiler in the guest, and nobody but root.
  execFileSync('install', ['-D', '-m', '644', '-t', '/usr/local/lib', LD_PRELOAD]);
  const scripts = blocksOf('docs/heaps.md').map(({ script }) => script.replaceAll('sudo ', ''));
  const [make, ...others] = scripts;
  t.equal(make, 'make -C clients/heaps && make -C clients/heaps install', 'which is done above');
  for (const script of others) {
    const made = (await madeBy('dma-heap:system')) + (await madeBy('udmabuf'));
    const folder = temporaryFolder(t);
    const { status, stderr } = await withoutAbort(() => {
      const { child, ended } = start(['sh', '-ec', script], sandboxed, folder);
      child.stdin.end();
      return ended;
    });
    t.equal(status, 0, `${script}: ${stderr}`);
    if (!script.includes('LD_PRELOAD')) continue;
    const now = (await madeBy('dma-heap:system')) + (await madeBy('udmabuf'));
    t.ok(now >= made + 4, `${now - made} buffers`);
    if (script.includes('location=plain')) plain = readFileSync(join(folder, 'plain'));
  }
  await daemon.settled(before);
});

t.test(proof('heaps'), async (t) => {
  const folder = temporaryFolder(t);
  const broker = join(folder, 'broker');
  t.equal(plain.length, FRAMES * FRAME, 'whole frames');
  t.notOk(plain.subarray(0, FRAME).equals(plain.subarray(FRAME, 2 * FRAME)), 'which move');
  const made = await madeBy('dma-heap:system');
  const { status, stderr } = await withoutAbort(() => inSandbox(...gstreamer(broker)));
  t.equal(status, 0, stderr);
  t.ok(readFileSync(broker).equals(plain), 'byte by byte, without a device');
  t.ok((await madeBy('dma-heap:system')) >= made + 4, "which lay in the broker's memory");
  await daemon.settled(before);
});

t.test("libcamera's cam has its buffers of the broker", async (t) => {
  const [made, owned] = [await madeBy('dma-heap:system'), await madeBy('udmabuf')];
  const { status, stdout, stderr } = await inSandbox('cam', '-c', 'Virtual0', `-C${FRAMES}`);
  t.equal(status, 0, stderr);
  t.equal(stdout.match(/cam0-stream0 seq/g)?.length, FRAMES, stdout);
  t.equal(await madeBy('dma-heap:system'), made + 4);
  const hidden = ['env', 'DMABROKER_HEAPS=system=', 'cam', '-c', 'Virtual0', `-C${FRAMES}`];
  const own = await inSandbox(...hidden);
  t.equal(own.stdout.match(/cam0-stream0 seq/g)?.length, FRAMES, own.stderr);
  t.equal(await madeBy('udmabuf'), 4 + owned, 'and where there is no heap, of its own memfds');
  await daemon.settled(before);
});

/** vimc's sensor without what changes in its picture; libcamera finds it by udev. */
function startVimc(t: Test): void {
  execFileSync('modprobe', ['vimc']);
  execFileSync('/usr/lib/systemd/systemd-udevd', ['--daemon'], { stdio: 'pipe' });
  t.teardown(() => {
    execFileSync('udevadm', ['control', '--exit']);
    execFileSync('modprobe', ['--remove', 'vimc']);
  });
  const match = ['media', 'video4linux'].map((name) => `--subsystem-match=${name}`);
  execFileSync('udevadm', ['trigger', '--action=add', ...match]);
  execFileSync('udevadm', ['settle']);
  const sys = '/sys/class/video4linux';
  const sensor = readdirSync(sys).find((name) =>
    readFileSync(join(sys, name, 'name'), 'utf8').startsWith('Sensor B'),
  );
  execFileSync('v4l2-ctl', ['-d', `/dev/${sensor}`, '-c', 'show_information=2']);
}

t.test("cam's frames of vimc, which has memory of its own, are the same under it", async (t) => {
  startVimc(t);
  const shoot = async (...before: string[]) => {
    const folder = temporaryFolder(t);
    const what = ['-C2', '-s', `width=${width},height=${height},pixelformat=BGR888`];
    const camera = ['cam', '-c', 'platform/vimc.0 Sensor B', ...what, `--file=${folder}/`];
    const { status, stderr } = await start([...before, ...camera], sandboxed).ended;
    t.equal(status, 0, stderr);
    return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
  };
  const expected = await shoot('env');
  t.equal(expected.length, 2 * width * height * 3);
  t.ok(new Set(expected).size > 1, 'which are not all one colour');
  t.ok((await shoot('env', `LD_PRELOAD=${LD_PRELOAD}`)).equals(expected));
});

t.test('programs that are killed at any moment', async (t) => {
  t.strictSame(
    daemon.log.filter(({ msg }) => msg === 'client dropped'),
    [],
    'all have said good-bye until now',
  );
  for (let round = 0; round < atNight(6, 100); round++) {
    const argv = [...SANDBOX, ask, 'spend', round % 2 === 0 ? 'system' : 'udmabuf', '65536'];
    const { child, ended } = start(argv, sandboxed);
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 15));
    child.kill('SIGKILL');
    await ended;
  }
  await daemon.settled(before);
  t.equal(await charged(), 0);
});

t.test('nothing stays behind', async (t) => {
  t.equal(await charged(), 0);
  t.strictSame(daemon.errors, [], 'no error');
});

t.test(
  'a daemon that is killed takes nothing along, and its successor finds nothing',
  async (t) => {
    const { child, ended } = await holder(t, 'system', 65536);
    await daemon.end('SIGKILL');
    const second = await begin(daemon.folder);
    t.teardown(() => second.stop());
    child.stdin.end();
    t.match(await ended, { status: 0, stderr: '' }, 'its memory was there all the while');
    t.strictSame(await second.buffers(), []);
    const { body } = await second.rest('GET', '/v1/quotas/user/0');
    t.equal(body.charge?.bytes ?? 0, 0);
  },
);
