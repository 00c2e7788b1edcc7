/**
 * The preview thread: turns an image's content into a PNG. A thread of its own, since a picture of 4K
 * takes a second, and neither clients nor other requests of REST shall wait for it.
 *
 * Owns: the content's fd, from the request on.
 */
import { parentPort } from 'node:worker_threads';
import { encode } from 'fast-png';
import { toMessage } from '../../memory/errors.js';
import { knownFormat } from '../../memory/layout.js';
import { close } from '../../native/libc/fd.js';
import { map } from '../../native/libc/memory.js';
import { nameThread } from '../../native/libc/process.js';
import { picture } from '../../pixels/image.js';
import type { PreviewPing, PreviewReply, PreviewRequest } from '../words/preview.js';

nameThread('dmab-preview');

function png({ content, terms }: PreviewRequest): Uint8Array {
  const { fd, size, width, height } = content;
  try {
    const { bytes, release } = map(fd, size, { write: false });
    try {
      const planes = content.planes.map((plane) => ({ ...plane, bytes }));
      const format = knownFormat(content.format);
      const made = picture({ format, width, height, planes, ...terms });
      return encode({ ...made, channels: 4 });
    } finally {
      release();
    }
  } finally {
    close(fd);
  }
}

parentPort?.on('message', (request: PreviewRequest | PreviewPing) => {
  const { seq } = request;
  let reply: PreviewReply = { seq };
  if (!('content' in request)) {
    parentPort?.postMessage(reply);
    return;
  }
  try {
    reply = { seq, png: png(request) };
  } catch (error) {
    reply = { seq, error: toMessage(error) };
  }
  parentPort?.postMessage(reply);
});
