/**
 * The main job with a real dma_buf from a real Vulkan driver: what the daemon hands out, what other
 * programs (libwayland, wayland-info) see of it, and that nothing stays behind.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { info } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { isCloexec } from '../../src/native/libc/fd.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';

const run = promisify(execFile);
const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const client = await connect({ socket: daemon.clientSocket });
const before = daemon.openFds();

/** The one plane of a buffer, checked to be what was promised. */
function checkDmaBuf(t: Test, buffer: ClientBuffer) {
  const [plane] = buffer.planes;
  if (plane === undefined) throw new Error('no plane');
  t.equal(buffer.handleType, 'dma_buf');
  t.ok(isDmaBuf(plane.fd), 'a dma_buf by its file system');
  t.match(readlinkSync(`/proc/self/fd/${plane.fd}`), /^\/dmabuf:/);
  t.ok(isCloexec(plane.fd), 'CLOEXEC');
  t.equal(info(plane.fd)?.exporter, 'udmabuf');
  t.equal(info(plane.fd)?.name, `dmabroker:${buffer.id}`);
  return plane;
}

t.test('images of each format, zeroed, named, with honest strides', async (t) => {
  for (const format of ['AR24', 'XR24', 'AB24', 'XB24']) {
    const image = await client.allocate({ kind: 'image', width: 641, height: 479, format });
    const plane = checkDmaBuf(t, image);
    t.equal(image.modifier, 0n);
    t.ok(plane.stride >= 641 * 4 && plane.stride % 4 === 0, `stride ${plane.stride}`);
    t.ok(plane.offset + plane.stride * 479 <= image.size, 'the planes fit');
    t.ok(
      image.map().read((bytes) => bytes.every((byte) => byte === 0)),
      'zeroed',
    );
    await image.close();
  }
});

t.test('linear buffers of any size', async (t) => {
  for (const size of [1, 4096, 65_537, 48 * 1024 * 1024]) {
    const buffer = await client.allocate({ kind: 'buffer', size });
    checkDmaBuf(t, buffer);
    t.ok(buffer.size >= size);
    await buffer.close();
  }
});

t.test('the C client shares with a TypeScript one, and REST names both', async (t) => {
  const image = await client.allocate({ kind: 'image', width: 320, height: 240, format: 'XR24' });
  const written = image.map().write((bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7;
    return createHash('sha256').update(bytes).digest('hex');
  });
  const program = join(packageRoot, 'examples/c/build/dmabroker-example');
  const token = await image.share();
  const options = { encoding: 'buffer', maxBuffer: 1 << 24 } as const;
  const { stdout, stderr } = await run(
    program,
    ['--socket', daemon.clientSocket, 'redeem', token],
    options,
  );
  t.equal(createHash('sha256').update(stdout).digest('hex'), written);
  t.match(stderr.toString(), /fd -> \/dmabuf:/);
  const { body } = await daemon.rest('GET', `/v1/buffers/${image.id}`);
  t.equal(body.owner.pid, process.pid);
  const names = body.recipients.map((r: { executable: string }) => r.executable);
  t.equal(names.length, 2);
  t.ok(names.includes('dmabroker-examp'), 'the C client is a recipient');
  await image.release();

  const env = { ...process.env, WAYLAND_DEBUG: '1' };
  const debugged = await run(program, ['--socket', daemon.clientSocket, 'alloc'], { env });
  t.match(debugged.stderr, /dmabroker_buffer_v1[@#]\d+\.plane\(fd/);
  t.match(debugged.stderr, /drew 640x480 pixels/);
});

t.test('wayland-info lists our globals and the formats', async (t) => {
  const env = { ...process.env, WAYLAND_DISPLAY: daemon.clientSocket };
  const { stdout } = await run('wayland-info', [], { env });
  t.match(stdout, /'dmabroker_manager_v1',\s+version:\s+1/);
  t.match(stdout, /'zwp_linux_dmabuf_v1',\s+version:\s+6/);
  const { body } = await daemon.rest('GET', '/v1/device/formats');
  // Several sources may have the same pair; the protocol names it once.
  const offered = new Map<string, string>();
  for (const { format, modifier, handle_type } of body) {
    if (handle_type === 'dma_buf') offered.set(`${format} ${modifier}`, `'${format}'; ${modifier}`);
  }
  t.ok(offered.size >= 4);
  for (const pair of offered.values()) t.ok(stdout.includes(`${pair} = LINEAR`), pair);
  t.equal(stdout.match(/0x[0-9a-f]{8} = '/g)?.length, offered.size, 'the same table');
});

t.test('linux-dmabuf is spoken with older clients and with newer ones', async (t) => {
  const program = join(packageRoot, 'test/support/programs/build/feedback');
  const said = async (...words: string[]) => {
    const { stdout } = await run(program, [daemon.clientSocket, ...words]).catch((ended) => ended);
    return String(stdout).trim().split('\n');
  };
  const [table = ''] = await said('6');
  const pairs = Number(table.split(' ')[1]);
  t.ok(pairs >= 4, table);
  const { rdev } = statSync('/dev/dri/renderD128');
  const node = `target_device ${rdev >> 8}:${rdev & 0xff}`;
  const tranche = (flags: number) => [
    ...[node, `flags ${flags}`, `formats ${pairs}`, 'tranche_done', 'done', 'failed'],
  ];
  t.same(await said('6'), [table, ...tranche(2)], 'a tranche for sampling, and no main device');
  for (const version of ['4', '5']) {
    t.same(await said(version), [table, 'main_device 8', ...tranche(0)], `version ${version}`);
  }
  const old = await said('3');
  t.equal(old.filter((line) => line.startsWith('modifier')).length, pairs, 'version 3');
});

t.test('nothing stays behind', async (t) => {
  t.strictSame((await daemon.rest('GET', '/v1/buffers?state=live')).body, []);
  await eventually(() => daemon.openFds() === before, 'the daemon closed what it opened');
  client.close();
  daemon.process.kill('SIGTERM');
  await once(daemon.process, 'exit');
  t.equal(daemon.process.exitCode, 0);
  const strange = daemon.log.filter(({ level }) => level === 0 || level >= 40);
  t.strictSame(strange, [], 'no warning, no error, nothing but JSON');
});
