/**
 * A camera's frames (examples/v4l2): vivid, the kernel's virtual one, captures into a dma_buf of the
 * broker's, or into its own, which is imported into the broker; and another process that redeemed it
 * reads the frame. What it has to be, v4l2-ctl captures from the same camera into the driver's own memory.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { runtimeFolder } from '../support/folder.js';
import { commandOf, proof, toleranceOf } from '../support/proofs.js';
import { reference, rows, startCamera } from './support/camera.js';

const programs = join(packageRoot, 'examples/v4l2/build');
/** No multiple of 64 bytes in any format, so that rows are padded. */
const [width, height] = [500, 300]; // as the command has it

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
      const expected = reference(t, { camera, width, height, format });
      t.equal(toleranceOf('captured', format), 0);
      const bytesPerPixel = format === 'NV12' ? 1.5 : 4;
      t.equal(expected.length, width * height * bytesPerPixel, 'a whole frame');
      const words = new Uint32Array(expected.buffer, expected.byteOffset, expected.length / 4);
      t.ok(new Set(words).size >= 8, 'a picture of many colours');
      if (await isOffered(format)) {
        await example(t, 'capture', format, (image) => {
          const [{ stride } = { stride: 0 }] = image.planes;
          t.ok(stride % 64 === 0, `rows are padded: ${stride} bytes`);
          t.ok(
            rows(image, { width, height }).equals(expected),
            'captured into what the broker allocated',
          );
        });
      } else t.comment(`the broker offers no ${format} as a dma_buf`);
      await example(t, 'export', format, (image) => {
        t.equal(image.source, 'import', 'memory of the camera');
        t.equal(image.checked?.how, 'device', `imported into ${image.checked?.reason}`);
        t.ok(
          rows(image, { width, height }).equals(expected),
          'captured into what the broker imported',
        );
      });
    },
  );
}

t.test('nothing stays behind', async (t) => {
  // The compositor, or the camera's driver, may hold released memory for as long as it likes.
  await daemon.released(before);
  t.strictSame(daemon.errors, [], 'no error');
});
