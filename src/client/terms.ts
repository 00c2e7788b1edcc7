/**
 * What may be said when a buffer is shared or mapped, with the check of each (check.ts), and what comes of
 * that.
 */
import { MAX_PLANES } from '../memory/plane.js';
import type { HandleType } from '../memory/source.js';
import type { CallOptions } from './call-options.js';
import { bytes, type Check, flag, record, signal, someBytes, U32, whole } from './check.js';
import { someHandleTypes } from './enums.js';
import type { WorkPath } from './work.js';

export interface ShareTerms {
  /** How often the token can be redeemed; 1 by default. */
  readonly uses?: number;
  /** The only user who may redeem it; anybody by default. */
  readonly uid?: number;
  /** How long it is good for; as long as the buffer by default. */
  readonly seconds?: number;
  /** Whether who redeems it may renew the buffer's lease; by default not. */
  readonly mayRenew?: boolean;
}

export const checkShare: Check = record<ShareTerms & CallOptions>({
  uses: whole(1, U32),
  uid: whole(0, U32 - 1), // the last stands for anybody
  seconds: whole(1, U32),
  mayRenew: flag,
  signal,
});

export interface RedeemTerms {
  /**
   * These kinds of file descriptor of it and no others, all of them; whatever it has by default. Refused
   * (`unsupported_handle_type`) where it has not all of these.
   */
  readonly handleTypes?: readonly HandleType[];
}

export const checkRedeem: Check = record<RedeemTerms & CallOptions>({
  handleTypes: someHandleTypes,
  signal,
});

/** A token that can be ended. */
export interface Share {
  readonly token: string;
  /** How lists name the token; no secret. */
  readonly tokenId: string;
  /** Ends the token. Who has redeemed it keeps what was received. Once is enough. */
  revoke(): Promise<void>;
}

/** What is mapped, and for what; all of memory 0, to be written, by default. */
export interface MapOptions {
  /** The memory that a plane lies in, by the plane's number; in place of `memory`. */
  readonly plane?: number;
  /** A memory, by its number. */
  readonly memory?: number;
  readonly write?: boolean;
  /** Bytes from the start of the memory. */
  readonly offset?: number;
  /** Bytes; up to the end of the memory by default. */
  readonly size?: number;
}

export const checkMap: Check = record<MapOptions>({
  plane: whole(0, MAX_PLANES - 1),
  memory: whole(0, MAX_PLANES - 1),
  write: flag,
  offset: bytes,
  size: someBytes,
});

/** What was read, and who did it. */
export interface ReadContent {
  readonly bytes: Buffer;
  readonly path: WorkPath;
}
