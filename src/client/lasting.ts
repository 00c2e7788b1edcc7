/**
 * Memory with a lasting name: what a claim says, what a writer publishes, and how that comes and goes as a document
 * in a sealed memfd.
 */
import { createHash } from 'node:crypto';
import { fourcc } from '../memory/fourcc.js';
import { MAX_CLAIM_WAIT_MS, MAX_LASTING_NAME, MAX_METADATA_BYTES } from '../memory/limits.js';
import { sealedBytes } from '../native/libc/memory.js';
import type { CallOptions } from './call-options.js';
import { bytes, type Check, flag, record, signal, text, whole } from './check.js';
import type { BufferDescription } from './description.js';
import { isObject, type Metadata, parseMetadata } from './metadata.js';

export type { Metadata } from './metadata.js';

/** A revision of a buffer's content, as its writer has published it. */
export interface Committed {
  readonly revision: number;
  /** SHA-256 of the memory's layout: what `layoutDigest` makes of the buffer, or it is not what was told. */
  readonly digest: string;
}

export interface ClaimTerms {
  /** To be its writer, of whom there is one; a reader by default. */
  readonly writer?: boolean;
  /** Only when something was committed; at once by default. */
  readonly committed?: boolean;
  /** How long to wait for it in milliseconds; not at all by default. */
  readonly wait?: number;
}

export interface CommitTerms {
  /** Larger than the last one, which the next one is by default. */
  readonly revision?: number;
  /** In place of the document of before, which stays by default. At most 64 KiB as JSON; a string is that JSON, sent as it is. */
  readonly metadata?: Metadata | string;
}

/** NAME or NAME@UID: what is right, the daemon says. */
export const checkClaimed: Check = text(1, MAX_LASTING_NAME + 16);

export const checkClaim: Check = record<ClaimTerms & CallOptions>({
  writer: flag,
  committed: flag,
  wait: whole(0, MAX_CLAIM_WAIT_MS),
  signal,
});

const object: Check = (value, name) => {
  if (isObject(value) || (typeof value === 'string' && parseMetadata(value) !== null)) return;
  throw new TypeError(`${name} must be an object, or the JSON of one`);
};

export const checkCommit: Check = record<CommitTerms & CallOptions>({
  revision: bytes,
  metadata: object,
  signal,
});

/** A sealed memfd of it, the caller's. Throws RangeError where it is too long. */
export function sealedMetadata(metadata: Metadata | string): { fd: number; size: number } {
  const json = Buffer.from(typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  if (json.length > MAX_METADATA_BYTES) {
    throw new RangeError(`metadata has ${json.length} bytes, and ${MAX_METADATA_BYTES} at most`);
  }
  return { fd: sealedBytes('dmabroker-metadata', json), size: json.length };
}

/** The digest that `committed` has, of the layout that a buffer was told to have. */
export function layoutDigest(
  layout: Pick<
    BufferDescription,
    'size' | 'format' | 'modifier' | 'width' | 'height' | 'memories' | 'planes'
  >,
): string {
  const { size, format, modifier, width, height, memories, planes } = layout;
  const code = format === null ? 0 : fourcc(format);
  const lines = [
    'dmabroker-layout-1',
    `size ${size} format ${code} modifier ${modifier ?? 0} width ${width ?? 0} height ${height ?? 0}`,
    ...memories.map((each, index) => `memory ${index} ${each.size}`),
    ...planes.map(
      ({ memory, offset, stride }, index) => `plane ${index} ${memory} ${offset} ${stride}`,
    ),
  ];
  return createHash('sha256')
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('hex');
}
