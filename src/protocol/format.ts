/**
 * What every message has in common, for what writes messages and what reads them (writer.ts, reader.ts).
 */

/** A new_id whose interface the XML leaves open (wl_registry.bind). */
export interface UntypedNewId {
  readonly interface: string;
  readonly version: number;
  readonly id: number;
}

export const HEADER_SIZE = 8;
/** libwayland's buffer: no message is longer (libwayland 1.21 drops a longer event). */
export const MAX_MESSAGE_SIZE = 4096;

/** Bytes that are no message of the protocol. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
