/**
 * Asking the daemon for what an earlier connection had: with the memory, for a daemon that does not have it (any
 * more), which knows it again or imports what it can.
 */
import { isFourcc } from '../memory/fourcc.js';
import { BrokerError } from './broker-error.js';
import type { ClientBuffer } from './buffer.js';
import type { BufferObject } from './buffer-object.js';
import type { CallOptions } from './call-options.js';
import { type Brought, brought, createParams } from './params.js';
import { pause } from './reconnect.js';
import type { CommonRequest } from './requests.js';

/** Of what a buffer was asked for with that which the daemon does not tell. */
export type Remembered = Pick<CommonRequest, 'usage' | 'lifetime' | 'lastingName'>;

/** What is adopted: of which earlier connections, newest first, and with which memory. */
export interface Adoption {
  readonly id: string;
  readonly sessions: readonly string[];
  readonly memory: Brought | null;
}

/** Until it is given up. */
const BUSY_MS = [5, 20, 80, 320, 1280];
/** All of a user's clients may come back at once, and have their memory imported. */
const PENDING_MS = [...BUSY_MS, 2560, 5120];
const MAX_LEASE_SECONDS = 86_400;

/** What may be brought is a file that the daemon can know, or import. */
const CAN_BE_SENT = ['dma_buf', 'memfd'];

/** With the memory of a buffer that is here, where that may be sent. */
export function memoryOf(
  buffer: ClientBuffer,
  { usage, lifetime, lastingName }: Remembered,
): Brought | null {
  const { handleType, format, width, height, modifier, size, planes, device } = buffer;
  if (!CAN_BE_SENT.includes(handleType)) return null;
  const left = buffer.leaseSecondsLeft;
  const lease = Math.min(MAX_LEASE_SECONDS, Math.max(1, Math.ceil(left ?? 0)));
  const keep = left !== null ? { lease } : typeof lifetime === 'string' ? lifetime : undefined;
  const terms = {
    planes,
    ...(usage !== undefined && { usage }),
    ...(keep !== undefined && { lifetime: keep }),
    ...(lastingName !== undefined && { lastingName }),
    ...(device !== null && { device }),
  };
  if (format === null) return { kind: 'buffer', size, ...terms };
  const code = Buffer.from(format, 'latin1');
  if (code.length !== 4 || !isFourcc(code.readUInt32LE())) return null;
  const image = { width: width ?? 0, height: height ?? 0, format };
  return { kind: 'image', ...image, ...(modifier !== null && { modifier }), ...terms };
}

/**
 * Adopts into a new object. Rejects with BrokerError where nobody's session is the right one, or with what the
 * right one's adoption was refused.
 */
export async function adoptInto(
  newObject: () => BufferObject,
  { id, sessions, memory }: Adoption,
  options: CallOptions = {},
): Promise<ClientBuffer> {
  const left = [...sessions];
  let waited = 0;
  for (;;) {
    const [session = ''] = left;
    const object = newObject();
    const ask = (): void => {
      const { line } = object;
      const params = memory === null ? createParams(line) : brought(line, memory);
      params.request('adopt', object.id, id, session);
      params.request('destroy');
    };
    try {
      return await object.receive(ask, options);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      const waits = error.code === 'busy' ? BUSY_MS : PENDING_MS;
      const wait = isForAMoment(error) ? waits[waited++] : undefined;
      if (wait !== undefined) await pause(wait, options.signal);
      else if (isOfAnother(error) && left.length > 1) left.shift();
      else throw error;
    }
  }
}

/** The earlier connection is still there, or too much is being imported just now. */
const isForAMoment = ({ code, refusal: { constraint = '' } }: BrokerError): boolean =>
  (code === 'busy' && constraint === 'session') ||
  (code === 'limit_exceeded' && constraint.endsWith('.pending'));

/** The session has nothing to do with the buffer (any more). */
export const isOfAnother = (error: unknown): boolean =>
  error instanceof BrokerError &&
  error.code === 'permission_denied' &&
  error.refusal.constraint === 'session';
