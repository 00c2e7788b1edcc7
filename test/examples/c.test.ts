/**
 * The example in C, built with libwayland-client and wayland-scanner's code, against the real
 * daemon: the protocol as somebody else's implementation of it speaks it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer as readAll, text as readText } from 'node:stream/consumers';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { runtimeFolder, temporaryFolder } from '../support/folder.js';

/** Why the example cannot be built here, or false. */
function missing(): string | false {
  const has = (command: string, args: string[], input = '') =>
    spawnSync(command, args, { input }).status === 0;
  if (!has('make', ['--version'])) return 'make is not installed';
  if (!has('wayland-scanner', ['--version'])) return 'wayland-scanner is not installed';
  const header = '#include <wayland-client.h>\n';
  if (!has('cc', ['-E', '-x', 'c', '-'], header)) return 'libwayland-client’s headers are missing';
  return false;
}

interface Run {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

async function finish(child: ChildProcess): Promise<Run> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('no pipes');
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [out, err, [status]] = await Promise.all([readAll(stdout), readText(stderr), closed]);
  return { status, stdout: out, stderr: err };
}

/** What the example draws: drm_fourcc.h's XR24 is B, G, R, X in memory. */
function gradient(width: number, height: number, stride: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      bytes.set([(x ^ y) & 255, y & 255, x & 255, 255], y * stride + x * 4);
    }
  }
  return bytes;
}

const skip = missing();

await withoutLeaks(t, 'the example in C', async (t) => {
  if (skip !== false) {
    t.plan(0, skip);
    return;
  }
  const build = temporaryFolder(t);
  const strict = ['CFLAGS=-O1 -Wall -Wextra -Werror', `BUILD=${build}`];
  const made = spawnSync('make', ['-C', join(packageRoot, 'examples/c'), ...strict], {
    encoding: 'utf8',
  });
  t.equal(made.status, 0, made.stderr);

  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const start = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    spawn(join(build, 'dmabroker-example'), args, {
      env: { PATH: process.env.PATH, DMABROKER_SOCKET: daemon.clientSocket, ...env },
      stdio: 'pipe',
    });
  const run = (args: string[], env?: NodeJS.ProcessEnv) => finish(start(args, env));

  await t.test('alloc', async (t) => {
    const { status, stdout, stderr } = await run(['--handle-type', 'memfd', 'alloc']);
    t.equal(status, 0, stderr);
    t.equal(stdout.length, 0);
    t.match(stderr, /^source: memfd: usable: /m);
    t.match(stderr, /^source: vulkan: not usable: ./m);
    const what = /^buffer: ([a-z2-7]{13}) 640x480 XR24 modifier 0x0{16} from memfd$/m;
    const id = what.exec(stderr)?.[1];
    t.type(id, 'string');
    t.match(stderr, `plane 0: memory 0 offset 0 stride 2560 fd -> /memfd:dmabroker:${id}`);
    t.match(stderr, /^memory 0: 1228800 bytes$/m);
    t.match(stderr, /^drew 640x480 pixels$/m);
  });

  await t.test('where it finds the socket', async (t) => {
    const found = ({ stderr }: Run) => /^buffer: /m.test(stderr);
    const alloc = (env: NodeJS.ProcessEnv) => run(['--handle-type', 'memfd', 'alloc'], env);
    const XDG_RUNTIME_DIR = runtimeFolder(t, daemon.clientSocket);
    t.ok(found(await alloc({ DMABROKER_SOCKET: '', XDG_RUNTIME_DIR })));
    t.ok(found(await alloc({ XDG_RUNTIME_DIR: '/nowhere' })), 'DMABROKER_SOCKET comes first');
    for (const folder of ['/nowhere', relative('.', XDG_RUNTIME_DIR)]) {
      const nobody = await alloc({ DMABROKER_SOCKET: '', XDG_RUNTIME_DIR: folder });
      t.match(nobody.stderr, 'nobody answers at /run/dmabroker/client.sock');
    }
  });

  await t.test('with WAYLAND_DEBUG=1', async (t) => {
    const debug = { WAYLAND_DEBUG: '1' };
    const { status, stderr } = await run(['--handle-type', 'memfd', 'alloc'], debug);
    t.equal(status, 0, stderr);
    for (const line of [
      / -> wl_display[@#]1\.get_registry\(/,
      / -> dmabroker_params_v1[@#]\d+\.set_image\(640, 480, 875713112\)/,
      / -> dmabroker_params_v1[@#]\d+\.create\(new id dmabroker_buffer_v1[@#]\d+\)/,
      / dmabroker_buffer_v1[@#]\d+\.info\("[a-z2-7]{13}", 1, 4, "memfd", 0, 1228800, /,
      / dmabroker_buffer_v1[@#]\d+\.memory\(0, 0, 1228800\)/,
      / dmabroker_buffer_v1[@#]\d+\.plane\(fd \d+, 4, 0, 0, 0, 2560\)/,
      / dmabroker_buffer_v1[@#]\d+\.done\(\)/,
      / wl_display[@#]1\.delete_id\(\d+\)/,
    ]) {
      t.match(stderr, line);
    }
  });

  await t.test('shared with another process', async (t) => {
    const [width, height] = [100, 50];
    const size = ['--size', `${width}x${height}`];
    const owner = start(['--handle-type', 'memfd', ...size, '--share', 'alloc']);
    const lines = createInterface({ input: owner.stdout });
    const [token] = (await once(lines, 'line')) as [string];
    t.match(token, /^[a-z2-7]{26}$/);
    const { status, stdout, stderr } = await run(['redeem', token]);
    t.equal(status, 0, stderr);
    const stride = Number(/stride (\d+)/.exec(stderr)?.[1]);
    t.ok(stride > width * 4, 'rows are padded');
    t.ok(stdout.equals(gradient(width, height, stride, stdout.length)), 'the same bytes');
    t.match(await daemon.buffers(), [{ name: 'C example', size: stdout.length }]);
    const again = await run(['redeem', token]);
    t.equal(again.status, 1, 'the token was good once');
    t.match(
      again.stderr,
      /^refused \(10\): the token is unknown, used up, expired or not for you/m,
    );
    const ended = once(owner, 'close');
    owner.stdin.end();
    t.same(await ended, [0, null]);
  });

  await t.test("separate planes are mapped whole: each memory's size is told", async (t) => {
    const client = await connect({ socket: daemon.clientSocket });
    const nv12 = { kind: 'image', width: 1920, height: 1080, format: 'NV12' } as const;
    const own = { handleTypes: ['memfd'], separatePlanes: true } as const;
    const buffer = await client.allocate({ ...nv12, ...own });
    for (const memory of [0, 1]) buffer.map({ memory }).write((bytes) => bytes.fill(memory + 1));
    const { status, stdout, stderr } = await run(['redeem', await buffer.share()]);
    t.equal(status, 0, stderr);
    const [luma = 0, chroma = 0] = buffer.memories.map(({ size }) => size);
    t.ok(luma > chroma && chroma > 0);
    const bytes = Buffer.concat([Buffer.alloc(luma, 1), Buffer.alloc(chroma, 2)]);
    t.ok(stdout.equals(bytes), 'the bytes of both');
    await buffer.close();
    client.close();
  });

  await t.test('released while somebody holds it', async (t) => {
    const owner = start(['--handle-type', 'memfd', '--share', 'alloc']);
    const [token] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const holder = start(['--hold', 'redeem', token]);
    const run = finish(holder);
    await once(holder.stdout, 'data');
    owner.stdin.end();
    await once(owner, 'close');
    holder.stdin.end();
    const { status, stdout, stderr } = await run;
    t.equal(status, 0, stderr);
    t.equal(stdout.length, 640 * 480 * 4, 'it has what it needs, and libwayland no complaint');
  });

  await t.test('refused', async (t) => {
    const { status, stderr } = await run(['alloc']);
    t.equal(status, 1);
    const [, detail] =
      /^refused \(4\): no usable source exports dma_buf .*?(\{.*\})$/m.exec(stderr) ?? [];
    t.match(JSON.parse(detail ?? ''), { constraint: 'handle_types', possible: ['memfd'] });
    const huge = await run(['--handle-type', 'memfd', '--size', '70000x1', 'alloc']);
    t.equal(huge.status, 1);
    t.match(huge.stderr, /^refused \(6\): width must be 1 to 65536 /m);
  });

  await t.test('what it says when it cannot', async (t) => {
    const nobody = await run(['alloc'], { DMABROKER_SOCKET: '/nowhere' });
    t.equal(nobody.status, 1);
    t.match(nobody.stderr, /^dmabroker-example: nobody answers at \/nowhere: No such file/m);
    for (const wrong of [['--nonsense'], ['redeem'], ['dance'], ['--size', 'x', 'alloc']]) {
      const { status, stderr } = await run(wrong);
      t.equal(status, 1, wrong.join(' '));
      t.match(stderr, /usage: dmabroker-example/);
    }
  });

  await t.resolves(daemon.settled(before), 'nothing is left');
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
