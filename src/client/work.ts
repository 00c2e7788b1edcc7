/**
 * dmabroker_work_v1 as the client hears it: a copy, fill or read that the daemon does.
 *
 * Owns: the fd of what was read, until the answer is handed out.
 */
import { readSync } from 'node:fs';
import { close } from '../native/libc/fd.js';
import { dmabroker_work_v1 } from '../protocol/dmabroker-v1.gen.js';
import { hi, lo, size64 } from '../protocol/wire.js';
import type { CallOptions } from './call-options.js';
import { bytes, type Check, type Fields, record, signal, someBytes } from './check.js';
import { nameOf, type OrUnknown } from './enums.js';
import { Refusals } from './refusal.js';
import { ConnectionError, type ProtocolObject, type WireClient } from './wire-client.js';

/** Bytes of a buffer: from `offset` (0 by default) on as many as `size` says, else to the end. */
export interface ByteRange {
  readonly offset?: number;
  readonly size?: number;
}

/** For linear memory; images are copied whole. */
export interface CopyTerms extends ByteRange {
  /** Where in the source the bytes come from; `offset` is where they go to. */
  readonly sourceOffset?: number;
}

const range: Fields<ByteRange & CallOptions> = { offset: bytes, size: someBytes, signal };
export const checkRange: Check = record<ByteRange & CallOptions>(range);
export const checkCopy: Check = record<CopyTerms & CallOptions>({ ...range, sourceOffset: bytes });

/** Who moved the bytes: the Vulkan device, or the CPU where that cannot take the memory. */
export type WorkPath = OrUnknown<'device' | 'cpu'>;

export interface WorkAnswer {
  readonly path: WorkPath;
  /** A memfd, the receiver's. */
  readonly content: { readonly fd: number; readonly size: number } | null;
}

export type Work = ProtocolObject<typeof dmabroker_work_v1>;

/** What is to be done: on which bytes, and the request that says it once they are told. */
export interface WorkToDo {
  readonly create: (id: number) => void;
  readonly range: ByteRange;
  readonly ask: (work: Work) => void;
}

/** Makes a work object of a range, asks for the work, waits. Rejects with BrokerError. */
export async function work(
  wire: WireClient,
  { create, range: { offset = 0, size = 0 }, ask }: WorkToDo,
  options: CallOptions,
): Promise<WorkAnswer> {
  const received: { fd: number; size: number }[] = [];
  let object: Work | undefined;
  try {
    const start = (resolve: (path: WorkPath) => void, reject: (error: Error) => void): void => {
      const refusals = new Refusals();
      const made = wire.create(dmabroker_work_v1, {
        long_detail: refusals.longDetail,
        content: (fd, sizeHi, sizeLo) => {
          received.push({ fd, size: size64(sizeHi, sizeLo) });
        },
        done: (by) => {
          made.request('destroy');
          resolve(nameOf(dmabroker_work_v1.enums.path, by));
        },
        failed: (...failure) => {
          made.request('destroy');
          reject(refusals.of(...failure));
        },
      });
      object = made;
      create(made.id);
      if (offset !== 0) made.request('set_offset', hi(offset), lo(offset));
      if (size !== 0) made.request('set_size', hi(size), lo(size));
      ask(made);
    };
    const path = await wire.answer<WorkPath>(start, options);
    return { path, content: received.pop() ?? null };
  } finally {
    // Given up: what comes for it is let go.
    if (object?.dead === false && wire.isOpen) object.request('destroy');
    // The connection may have ended between content and done.
    for (const { fd } of received) close(fd);
  }
}

/** The bytes of what was read; its fd is closed. */
export function takeContent({ content }: WorkAnswer): Buffer {
  if (content === null) throw new ConnectionError('done before content');
  const { fd, size } = content;
  try {
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; ) {
      const count = readSync(fd, bytes, at, size - at, at);
      if (count === 0) throw new Error(`the content ends at ${at} of ${size} bytes`);
      at += count;
    }
    return bytes;
  } finally {
    close(fd);
  }
}
