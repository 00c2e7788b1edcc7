/**
 * A camera's frames (examples/v4l2): vivid, the kernel's virtual one, captures into a dma_buf of the
 * broker's, or into its own, which is imported into the broker; and another process that redeemed it
 * reads the frame. What it has to be, v4l2-ctl captures from the same camera into the driver's own memory.
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
import { TestDaemon } from '../support/daemon.js';
import { runtimeFolder, temporaryFolder } from '../support/folder.js';
import { commandOf, proof, toleranceOf } from '../support/proofs.js';

const programs = join(packageRoot, 'examples/v4l2/build');
/** No multiple of 64 bytes in any format, so that rows are padded. */
const [width, height] = [500, 300]; // as the command has it

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

/** An image's rows without padding, plane after plane. */
function rows(image: ClientBuffer): Buffer {
  const isNv12 = image.format === 'NV12';
  return image.map({ write: false }).read((bytes) =>
    Buffer.concat(
      image.planes.flatMap(({ offset, stride }, index) =>
        Array.from({ length: index === 0 ? height : height / 2 }, (_, y) => {
          const start = offset + y * stride;
          return Buffer.from(bytes.subarray(start, start + (isNv12 ? width : width * 4)));
        }),
      ),
    ),
  );
}

/** Runs the example; `look` gets the buffer as it is for a client that redeemed the token. */
async function example(
  t: Test,
  command: 'capture' | 'export',
  format: string,
  look: (image: ClientBuffer) => void,
): Promise<void> {
  const [program = '', ...args] = commandOf('captured')
    .replace('/dev/video0', camera)
    .replace('NV12', format)
    .replace(/capture$/, command)
    .split(' ');
  // Both finds: it is told the socket, or looks for it.
  const socket = command === 'capture' ? ['--socket', daemon.clientSocket] : [];
  const env = { ...process.env, XDG_RUNTIME_DIR: runtimeFolder(t, daemon.clientSocket) };
  const child = spawn(join(programs, program), [...socket, ...args], { env, stdio: 'pipe' });
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
  const { body: buffers } = await daemon.rest('GET', '/v1/buffers?state=live');
  t.match(buffers, [{ name: 'V4L2 example', exporter: exporters[command], format }], 'registered');
  const client = await connect({ socket: daemon.clientSocket });
  const image = await client.redeem(token);
  look(image);
  await image.close();
  client.close();
  child.stdin.end();
  t.strictSame(await exit, [0, null], await said);
}

const exporters = { capture: 'udmabuf', export: 'videobuf2_vmalloc' };

const isOffered = async (format: string): Promise<boolean> => {
  const { body } = await daemon.rest('GET', '/v1/device/formats');
  return body.some(
    (offer: { format: string; handle_type: string }) =>
      offer.format === format && offer.handle_type === 'dma_buf',
  );
};

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = daemon.openFds();
const camera = startCamera(t);

for (const format of ['XR24', 'AR24', 'NV12']) {
  t.test(
    `${proof('captured')}: ${format}, a frame in the broker's memory, and one in the camera's`,
    async (t) => {
      const expected = reference(t, format);
      t.equal(toleranceOf('captured', format), 0);
      const bytesPerPixel = format === 'NV12' ? 1.5 : 4;
      t.equal(expected.length, width * height * bytesPerPixel, 'a whole frame');
      const words = new Uint32Array(expected.buffer, expected.byteOffset, expected.length / 4);
      t.ok(new Set(words).size >= 8, 'a picture of many colours');
      if (await isOffered(format)) {
        await example(t, 'capture', format, (image) => {
          const [{ stride } = { stride: 0 }] = image.planes;
          t.ok(stride % 64 === 0, `rows are padded: ${stride} bytes`);
          t.ok(rows(image).equals(expected), 'captured into what the broker allocated');
        });
      } else t.comment(`the broker offers no ${format} as a dma_buf`);
      await example(t, 'export', format, (image) => {
        t.equal(image.source, 'import', 'memory of the camera');
        t.equal(image.checked?.how, 'device', `imported into ${image.checked?.reason}`);
        t.ok(rows(image).equals(expected), 'captured into what the broker imported');
      });
    },
  );
}

t.test('nothing stays behind', async (t) => {
  // The compositor, or the camera's driver, may hold released memory for as long as it likes.
  await daemon.released(before);
  t.strictSame(daemon.errors, [], 'no error');
});
