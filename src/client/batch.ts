/**
 * Several equal buffers of one request: all are had, or none. Each is a buffer as any other from then on.
 *
 * Owns: those that have come, until all have.
 */
import { setMaxListeners } from 'node:events';
import type { ClientBuffer } from './buffer.js';
import type { BufferObject } from './buffer-object.js';
import type { AllocateOptions } from './call-options.js';
import type { Line } from './manager.js';
import { wanted } from './params.js';
import type { ImageRequest, LinearRequest } from './requests.js';

/** The objects are of the connection, and none has been asked for. Rejects as `BufferObject.receive` does. */
export async function allocateBatch(
  line: Line,
  objects: readonly BufferObject[],
  request: LinearRequest | ImageRequest,
  options: AllocateOptions,
): Promise<ClientBuffer[]> {
  // The caller's signal has one listener, however many wait.
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const given = options.signal;
  const abort = () => own.abort(given?.reason);
  given?.addEventListener('abort', abort, { once: true });
  const params = wanted(line, request);
  const answers = objects.map((object, index) => {
    const ask = () => params.request('add_buffer', object.id);
    // All are told the same place.
    const onWaiting = index === 0 ? options.onWaiting : undefined;
    const told = onWaiting === undefined ? {} : { onWaiting };
    return object.receive(ask, { signal: own.signal, ...told }, 'release');
  });
  params.request('create_batch');
  params.request('destroy');
  const settled = await Promise.allSettled(answers);
  given?.removeEventListener('abort', abort);
  const buffers: ClientBuffer[] = [];
  let failed: PromiseRejectedResult | null = null;
  for (const answer of settled) {
    if (answer.status === 'fulfilled') buffers.push(answer.value);
    else failed ??= answer;
  }
  if (failed === null) return buffers;
  // They had come before the connection ended, or before the call was given up.
  for (const buffer of buffers) buffer.release();
  throw failed.reason;
}
