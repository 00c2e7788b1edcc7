/**
 * A buffer from one connection to the next. Its object is the daemon's for one connection; on a new one it is
 * adopted (adopt.ts), and the buffer hears what has become of it.
 *
 * Owns nothing: the fds are the buffer's, and open for as long as they are being sent (`end`).
 */
import { type Adoption, adoptInto, isOfAnother, memoryOf, type Remembered } from './adopt.js';
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
import { closePlanes } from './planes.js';

/** More than one where a connection ended before it was known who had taken what. */
const MAX_SESSIONS = 4;

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
    return new BufferObject(line, this.#arrived, this.#buffer?.handleTypes);
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
      closePlanes(description.planes);
      if (this.#ended === null) this.#buffer.wasTakenUp(description, leaseEnds);
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
    return this.connection.call((line, before) => {
      if (this.#buffer?.gone) throw this.#buffer.gone;
      if (this.link.line !== line || !this.link.isThere)
        throw new TypeError('the buffer is closed');
      return make(this.link, before !== null);
    }, options);
  }

  async end(request: 'destroy' | 'release', closeFds: () => void): Promise<void> {
    this.#ended = request;
    this.connection.returning.delete(this);
    const back = this.#returning;
    // A daemon that was restarted lets go of what it is shown: its memory may be here alone.
    const isNeeded = request === 'release' && this.connection.line !== this.link.line;
    let memory = isNeeded && !this.#buffer?.gone ? memoryOf(this.#had, this.remembered) : null;
    let isOpen = true;
    const close = (): void => {
      memory = null;
      if (!isOpen) return;
      isOpen = false;
      if (back === null) closeFds();
      else back.then(closeFds, closeFds);
    };
    if (memory === null) close();
    if (this.#buffer?.gone) return;
    if (request === 'destroy') {
      // With the connection that it had it goes, or stays, as its lifetime says.
      if (this.connection.line === this.link.line) await this.link.destroy('destroy');
      return;
    }
    try {
      await this.connection.call((line) =>
        line === this.link.line
          ? this.link.destroy('release')
          : this.#releaseOn(line, memory, close),
      );
    } finally {
      close();
    }
  }

  /** It was released while there was no connection, or just before that ended. */
  async #releaseOn(line: Line, memory: Adoption['memory'], shown: () => void): Promise<void> {
    const adoption = { id: this.#id, sessions: this.#sessions, memory };
    const objects: BufferObject[] = [];
    const newObject = (): BufferObject => {
      const object = new BufferObject(line, (_, { planes }) => {
        closePlanes(planes);
        return this.#had;
      });
      objects.push(object);
      return object;
    };
    try {
      await adoptInto(newObject, adoption);
      shown();
      await objects.at(-1)?.destroy('release');
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
      each instanceof BufferKeeper && each.#buffer?.id === this.#id;
    // The first of them: it waits for no other.
    const other = [...this.connection.returning].find(has);
    if (other === undefined || other === this) throw error;
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
        if (this.#ended === null) buffer.wasRefused(error);
        return;
      }
      // It may have been this one's when that ended.
      const sessions = [line.description.session, ...this.#sessions];
      this.#sessions = [...new Set(sessions)].slice(0, MAX_SESSIONS);
      throw error;
    }
  }
}
