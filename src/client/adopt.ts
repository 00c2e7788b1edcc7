/**
 * A buffer from one connection to the next. Its object is the daemon's for one connection; on a new one it is
 * adopted, with its planes for a daemon that does not have them (any more), which imports what it can.
 *
 * Owns nothing: the fds are the buffer's, and open for as long as they are being sent (`end`).
 */
import { isFourcc } from '../memory/fourcc.js';
import { close } from '../native/libc/fd.js';
import { BrokerError } from './broker-error.js';
import { ClientBuffer } from './buffer.js';
import type { BufferHome, BufferLink, BufferNews } from './buffer-link.js';
import { BufferObject } from './buffer-object.js';
import type { CallOptions } from './call-options.js';
import type { Connection, Returning } from './connection.js';
import type { Deadline } from './deadline.js';
import type { BufferDescription } from './description.js';
import type { ClientEvent } from './events.js';
import type { Listeners } from './listeners.js';
import type { Line } from './manager.js';
import { type Brought, brought, createParams } from './params.js';
import { pause } from './reconnect.js';
import type { CommonRequest } from './requests.js';

/** Of what a buffer was asked for with that which the daemon does not tell. */
export type Remembered = Pick<CommonRequest, 'usage' | 'lifetime'>;

/** What is adopted: of which earlier connections, newest first, and with which memory. */
export interface Adoption {
  readonly id: string;
  readonly sessions: readonly string[];
  readonly memory: Brought | null;
}

/** A connection that has just ended may be there for the daemon for a moment. */
const BUSY_MS = [5, 20, 80, 320, 1280];
/** More than one where a connection ended before it was known who had taken what. */
const MAX_SESSIONS = 4;
const MAX_LEASE_SECONDS = 86_400;
const never = new AbortController().signal;

/** What may be brought is a file that the daemon can know, or import. */
const CAN_BE_SENT = ['dma_buf', 'memfd'];

export class BufferKeeper implements BufferHome, Returning {
  #buffer: ClientBuffer | null = null;
  #object: BufferObject | null = null;
  #sessions: readonly string[] = [];
  /** What its end waits for. */
  #returning: Promise<void> | null = null;
  #ended: 'destroy' | 'release' | null = null;

  constructor(
    readonly connection: Connection,
    private readonly events: Listeners<[ClientEvent]>,
    private readonly remembered: Remembered,
  ) {}

  get link(): BufferObject {
    if (this.#object === null) throw new Error('it has not arrived');
    return this.#object;
  }

  /** An object for it on a connection. */
  object(line: Line): BufferObject {
    return new BufferObject(line, this.#arrived);
  }

  readonly #arrived: ConstructorParameters<typeof BufferObject>[1] = (
    object: BufferObject,
    description: BufferDescription,
    leaseEnds: Deadline | null,
  ) => {
    this.#object = object;
    this.#sessions = [object.line.description.session];
    if (this.#buffer === null) {
      this.#buffer = new ClientBuffer(description, this, leaseEnds);
      this.connection.returning.add(this);
    } else {
      // It has these already, and mappings and its caller use them.
      for (const { fd } of description.planes) close(fd);
      this.#buffer.wasTakenUp(description, leaseEnds);
    }
    return this.#buffer;
  };

  tell(news: BufferNews): void {
    if (this.#buffer !== null) this.events.tell({ type: news, buffer: this.#buffer });
  }

  call<T>(
    make: (link: BufferLink, again: boolean) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return this.connection.call(async (line, before) => {
      if (this.#buffer?.gone) throw this.#buffer.gone;
      if (this.link.line !== line) throw new TypeError('the buffer is closed');
      return make(this.link, before !== null);
    }, options);
  }

  async end(request: 'destroy' | 'release', closeFds: () => void): Promise<void> {
    this.#ended = request;
    this.connection.returning.delete(this);
    if (this.#returning === null) closeFds();
    else this.#returning.then(closeFds, closeFds);
    if (this.#buffer?.gone) return;
    if (request === 'destroy') {
      // With the connection that it had it goes, or stays, as its lifetime says.
      if (this.connection.line === this.link.line) await this.link.destroy('destroy');
      return;
    }
    await this.connection.call(async (line) => {
      if (line === this.link.line) await this.link.destroy('release');
      else await this.#releaseOn(line);
    });
  }

  /** It was released while there was no connection, or just before that ended. */
  async #releaseOn(line: Line): Promise<void> {
    const adoption = { id: this.#id, sessions: this.#sessions, memory: null };
    const released = new BufferObject(line, (_, { planes }) => {
      for (const { fd } of planes) close(fd);
      return this.#had;
    });
    try {
      await adoptInto(() => released, adoption);
      await released.destroy('release');
    } catch (error) {
      // It is gone, which is what was wanted.
      if (!(error instanceof BrokerError)) throw error;
    }
  }

  get #had(): ClientBuffer {
    if (this.#buffer === null) throw new Error('it has not arrived');
    return this.#buffer;
  }

  get #id(): string {
    return this.#had.id;
  }

  async comeBack(line: Line): Promise<void> {
    const buffer = this.#had;
    if (buffer.released !== null) {
      buffer.gone = new BrokerError('not_found', `the daemon has let go of ${buffer.id}`);
      return;
    }
    const back = this.#adopted(line, buffer);
    this.#returning = back;
    try {
      await back;
    } finally {
      this.#returning = null;
    }
  }

  /** One that the client has twice is adopted once, and then redeemed as it was before. */
  async #beside(error: unknown, line: Line): Promise<void> {
    if (!isOfAnother(error)) throw error;
    const has = (each: Returning): each is BufferKeeper =>
      each instanceof BufferKeeper && each !== this && each.#buffer?.id === this.#id;
    const other = [...this.connection.returning].find(has);
    if (other === undefined) throw error;
    await other.#returning;
    if (other.link.line !== line) throw error;
    const { token, forget } = await other.link.share({ mayRenew: true });
    forget();
    const object = this.object(line);
    await object.receive(() => line.manager.request('redeem', object.id, token));
  }

  async #adopted(line: Line, buffer: ClientBuffer): Promise<void> {
    const memory = memoryOf(buffer, this.remembered);
    const adoption = { id: buffer.id, sessions: this.#sessions, memory };
    try {
      await adoptInto(() => this.object(line), adoption).catch((error) =>
        this.#beside(error, line),
      );
      // Closed meanwhile; a release waits for the connection.
      if (this.#ended === 'destroy') await this.link.destroy('destroy');
    } catch (error) {
      if (error instanceof BrokerError) {
        this.connection.returning.delete(this);
        buffer.wasRefused(error);
        return;
      }
      // It may have been this one's when that ended.
      const sessions = [line.description.session, ...this.#sessions];
      this.#sessions = [...new Set(sessions)].slice(0, MAX_SESSIONS);
      throw error;
    }
  }
}

/** With the memory of a buffer that is here, where that may be sent. */
function memoryOf(buffer: ClientBuffer, { usage, lifetime }: Remembered): Brought | null {
  const { handleType, format, width, height, modifier, size, planes, device } = buffer;
  if (!CAN_BE_SENT.includes(handleType)) return null;
  const left = buffer.leaseSecondsLeft;
  const lease = Math.min(MAX_LEASE_SECONDS, Math.max(1, Math.ceil(left ?? 0)));
  const keep = left !== null ? { lease } : typeof lifetime === 'string' ? lifetime : undefined;
  const terms = {
    planes,
    ...(usage !== undefined && { usage }),
    ...(keep !== undefined && { lifetime: keep }),
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
  const waits = [...BUSY_MS];
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
      if (!(error instanceof BrokerError) || error.refusal.constraint !== 'session') throw error;
      const wait = error.code === 'busy' ? waits.shift() : undefined;
      if (wait !== undefined) await pause(wait, options.signal ?? never);
      else if (isOfAnother(error) && left.length > 1) left.shift();
      else throw error;
    }
  }
}

/** The session has nothing to do with the buffer (any more). */
const isOfAnother = (error: unknown): boolean =>
  error instanceof BrokerError &&
  error.code === 'permission_denied' &&
  error.refusal.constraint === 'session';
