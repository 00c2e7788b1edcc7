/**
 * Process A of the quickstart: allocates an image through the client library, draws into it, shares
 * it by a token, and releases it when its standard input ends.
 *
 *   node dist/examples/quickstart/writer.js <client socket> <handle type>
 *
 * Prints one JSON line: what it got, the token, and the SHA-256 of the memory.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { connect, type HandleType } from 'dmabroker';

const [socket, handleType] = process.argv.slice(2) as [string, HandleType];

const client = await connect({ socket });
const image = await client.allocate({
  kind: 'image',
  width: 1920,
  height: 1080,
  format: 'XR24',
  handleTypes: [handleType],
  usage: ['transfer', 'cpu_write'],
  name: 'quickstart',
});
const [plane] = image.planes;
if (plane === undefined) throw new Error('an image without planes');
const fdinfo = readFileSync(`/proc/self/fdinfo/${plane.fd}`, 'utf8');

/** A gradient with a white diagonal: something else in every row. */
function draw(bytes: Buffer): string {
  const { width, height } = { width: 1920, height: 1080 };
  const { offset, stride } = plane as { offset: number; stride: number };
  const row = new Uint32Array(width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) row[x] = 0xff000000 | ((x & 255) << 16) | ((y & 255) << 8);
    row[y] = 0xffffffff;
    bytes.set(new Uint8Array(row.buffer), offset + y * stride);
  }
  return createHash('sha256').update(bytes).digest('hex');
}

const sha256 = image.map().write(draw);
const token = await image.share({ uses: 1 });
const report = {
  id: image.id,
  token,
  sha256,
  bytes: image.size,
  handle_type: image.handleType,
  exporter: /^exp_name:\t(.*)$/m.exec(fdinfo)?.[1] ?? null,
  device: client.description.device?.name ?? null,
  link: readlinkSync(`/proc/self/fd/${plane.fd}`),
};
console.log(JSON.stringify(report));

process.stdin.resume();
process.stdin.once('end', async () => {
  await image.release();
  client.close();
});
