/**
 * A camera fills the broker's memory: vivid, the kernel's virtual one, captures a frame into a
 * dma_buf of the broker's (examples/v4l2), and another process that redeemed it reads the frame.
 * What it has to be, v4l2-ctl captures from the same camera into the driver's own memory.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';

const program = join(packageRoot, 'examples/v4l2/build/dmabroker-v4l2');
/** No multiple of 64 bytes in any format, so that rows are padded. */
const [width, height] = [500, 300];

/** One HDMI input, which is scaled to any size; a still picture of many colours without a text. */
function startCamera(t: Test): string {
  execFileSync('modprobe', ['vivid', 'n_devs=1', 'node_types=1', 'num_inputs=1', 'input_types=3']);
  t.teardown(() => execFileSync('modprobe', ['--remove', 'vivid']));
  const sys = '/sys/class/video4linux';
  const name = readdirSync(sys).find((node) =>
    readFileSync(join(sys, node, 'name'), 'utf8').startsWith('vivid-000-vid-cap'),
  );
  if (name === undefined) throw new Error('vivid has no camera');
  const camera = join('/dev', name);
  execFileSync('v4l2-ctl', [
    '-d',
    camera,
    '-c',
    'test_pattern=4,osd_text_mode=2,alpha_component=200',
  ]);
  return camera;
}

/** A frame in the driver's own memory (V4L2_MEMORY_MMAP), its rows without padding. */
function reference(t: Test, format: string): Buffer {
  const file = join(temporaryFolder(t), 'frame');
  const size = `width=${width},height=${height},pixelformat=${format}`;
  const stream = ['--stream-mmap', '--stream-count=1', `--stream-to=${file}`];
  execFileSync('v4l2-ctl', ['-d', camera, `--set-fmt-video=${size}`, ...stream], { stdio: 'pipe' });
  return readFileSync(file);
}

/** A plane's rows without padding. */
function rows(t: Test, image: ClientBuffer, index: number, length: number, count: number): Buffer {
  const plane = image.planes[index];
  if (plane === undefined) throw new Error(`no plane ${index}`);
  const { offset, stride } = plane;
  t.ok(stride > length, `plane ${index} is padded: ${stride} bytes for ${length}`);
  return image.map({ write: false }).read((bytes) =>
    Buffer.concat(
      Array.from({ length: count }, (_, y) => {
        const start = offset + y * stride;
        return Buffer.from(bytes.subarray(start, start + length));
      }),
    ),
  );
}

/** What vivid captured into the broker's buffer, read by a process that was given its token. */
async function captured(
  t: Test,
  format: string,
  read: (image: ClientBuffer) => Buffer,
): Promise<Buffer> {
  const args = ['--socket', daemon.clientSocket, '--device', camera];
  const options = ['--size', `${width}x${height}`, '--format', format];
  const child = spawn(program, [...args, ...options, 'capture'], { stdio: 'pipe' });
  const exit = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await exit;
  });
  const said = text(child.stderr);
  const [token] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exit.then(async () => Promise.reject(new Error(await said))),
  ]);
  const { body: buffers } = await daemon.rest('GET', '/v1/buffers');
  t.match(buffers, [{ name: 'V4L2 example', exporter: 'udmabuf', format }], 'it is ours');
  const client = await connect({ socket: daemon.clientSocket });
  const image = await client.redeem(token);
  const bytes = read(image);
  await image.close();
  client.close();
  child.stdin.end();
  t.strictSame(await exit, [0, null], await said);
  return bytes;
}

const isNv12Offered = async () => {
  const { body } = await daemon.rest('GET', '/v1/device/formats');
  return body.some(
    (offer: { format: string; handle_type: string }) =>
      offer.format === 'NV12' && offer.handle_type === 'dma_buf',
  );
};

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = daemon.openFds();
const camera = startCamera(t);

for (const format of ['XR24', 'AR24']) {
  t.test(`${format} is captured into the broker's memory`, async (t) => {
    const expected = reference(t, format);
    t.equal(expected.length, width * height * 4, 'a whole frame');
    const pixels = new Uint32Array(expected.buffer, expected.byteOffset, width * height);
    t.ok(new Set(pixels).size >= 8, 'a picture of many colours');
    const frame = await captured(t, format, (image) => rows(t, image, 0, width * 4, height));
    t.ok(frame.equals(expected), 'the same frame');
  });
}

t.test("NV12 is captured into the broker's memory, both planes", async (t) => {
  if (!(await isNv12Offered())) return t.plan(0, 'the broker offers no NV12 as a dma_buf');
  const expected = reference(t, 'NV12');
  t.equal(expected.length, (width * height * 3) / 2, 'a whole frame');
  const frame = await captured(t, 'NV12', (image) =>
    Buffer.concat([rows(t, image, 0, width, height), rows(t, image, 1, width, height / 2)]),
  );
  t.ok(frame.equals(expected), 'the same frame');
});

t.test('nothing stays behind', async (t) => {
  const isEmpty = async () => (await daemon.rest('GET', '/v1/buffers')).body.length === 0;
  await eventually(isEmpty, 'the buffers are gone');
  await eventually(() => daemon.openFds() === before, 'the daemon closed what it opened');
  t.strictSame(daemon.errors, [], 'no error');
});
