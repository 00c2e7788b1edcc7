/**
 * The second process of bench/cuda-hardware.ts for images: redeems a token for the opaque_fd of an image (AR24), binds a
 * linear image of a Vulkan device of its own to it, and writes a picture.
 *
 *   node dist/bench/vulkan-image-peer.js <client socket> <token> <device UUID> <seed>
 *
 * Prints where the plane is; ends with status 1 where its device has it elsewhere, or does not take the memory.
 */
import { connect } from '../src/client/index.js';
import { opaqueModifiers, picture, writePicture } from './support/vulkan-image.js';

const [socket = '', token = '', uuid = '', seed = ''] = process.argv.slice(2);
const client = await connect({ socket });
const buffer = await client.redeem(token, { handleTypes: ['opaque_fd'] });
const { width, height, vulkan, size } = buffer;
const [plane] = buffer.planes;
if (plane === undefined || vulkan === null || width === null || height === null)
  throw new Error('it is no image that Vulkan imports');
const { fd, offset, stride } = plane;
const shared = { fd, size, width, height, offset, stride, ...vulkan };
writePicture(uuid, shared, picture(shared, Number(seed)));
const how = vulkan.dedicated ? 'dedicated' : 'not dedicated';
const modifiers = opaqueModifiers(uuid);
console.log(
  `${offset}, ${stride} bytes a row, ${how}; modifiers that are imported as OPAQUE_FD: ${modifiers};`,
);
await buffer.close();
client.close();
