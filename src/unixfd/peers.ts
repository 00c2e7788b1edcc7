/**
 * Those who are served: each `unixfdsrc` that has connected is sent the caps, then frames, and releases them. A frame
 * goes when all who were given it have released it, or have left.
 *
 * Who does not release has so many frames and no more. The others do not wait for it longer than they are told to, once:
 * then frames pass it by, until it releases one.
 *
 * Owns: the connections.
 */
import { close } from '../native/libc/fd.js';
import { peerCredentials } from '../native/libc/socket.js';
import { capsText } from './codec/caps.js';
import { bufferMessage, capsMessage, eosMessage, type Message } from './codec/wire.js';
import type { Consumer, Frame, Stream } from './frame.js';
import { Line } from './line.js';

export interface PeersTerms {
  /** Frames that a peer may have at once. */
  readonly unreleased: number;
  /** Peers at once. */
  readonly most: number;
  /** Milliseconds that a frame waits for a peer that has all that it may have. */
  readonly patience: number;
  readonly say: (text: string) => void;
}

interface Given {
  readonly frame: Frame;
  holders: number;
}

interface Peer {
  readonly line: Line;
  readonly name: string;
  readonly has: Map<bigint, Given>;
  /** It was waited for in vain, and has released nothing since. */
  slow: boolean;
  /** Whether that was told: it may be so with every second frame. */
  told: boolean;
  frames: number;
  missed: number;
}

/** At the end it is waited so long for those who have not read all, or not released. */
const END_MS = 5000;

export class Peers implements Consumer {
  readonly #peers = new Set<Peer>();
  /** Who waits for something to change: a peer that has come, released or left. */
  readonly #changed = new Set<() => void>();
  #caps: Buffer | null = null;
  #ids = 0n;
  #names = 0;
  #ended = false;

  constructor(private readonly terms: PeersTerms) {}

  get wanted(): boolean {
    return this.#peers.size > 0;
  }

  get count(): number {
    return this.#peers.size;
  }

  /** A connection that was accepted, which is this one's now. */
  add(fd: number): void {
    const { pid, uid } = peerCredentials(fd);
    const name = `peer ${++this.#names} (process ${pid} of user ${uid})`;
    const line = new Line(fd, {
      message: (message) => this.#heard(peer, message),
      ended: (why) => this.#left(peer, why),
    });
    const peer: Peer = {
      line,
      name,
      has: new Map(),
      slow: false,
      told: false,
      frames: 0,
      missed: 0,
    };
    if (this.#peers.size >= this.terms.most) {
      line.end();
      this.terms.say(`${name} is turned away: there are ${this.terms.most} already`);
      return;
    }
    this.#peers.add(peer);
    this.terms.say(`${name} has come`);
    // Later ones begin where the stream is.
    if (this.#caps !== null) this.#mustSend(peer, this.#caps);
    if (this.#ended) this.#mustSend(peer, eosMessage());
    this.#tell();
  }

  #heard(peer: Peer, message: Message): void {
    if (message.type !== 'release') {
      if (message.type === 'buffer') for (const fd of message.fds) close(fd);
      this.#end(peer, `it sent ${message.type}, which is for who serves`);
      return;
    }
    const given = peer.has.get(message.id);
    if (given === undefined) {
      this.#end(peer, `it released ${message.id}, which it does not have`);
      return;
    }
    peer.has.delete(message.id);
    peer.slow = false;
    this.#letGo(given);
    this.#tell();
  }

  #end(peer: Peer, why: string): void {
    peer.line.end();
    this.#left(peer, why);
  }

  #left(peer: Peer, why: string | null): void {
    if (!this.#peers.delete(peer)) return;
    const missed = peer.missed === 0 ? '' : `, ${peer.missed} passed it by`;
    const ending = why === null ? 'has left' : `is disconnected: ${why}`;
    this.terms.say(`${peer.name} ${ending}; it had ${peer.frames} frames${missed}`);
    for (const given of peer.has.values()) this.#letGo(given);
    peer.has.clear();
    this.#tell();
  }

  #letGo(given: Given): void {
    if (--given.holders === 0) given.frame.done();
  }

  #tell(): void {
    for (const changed of [...this.#changed]) changed();
  }

  /** Caps and the end are never left out. */
  #mustSend(peer: Peer, message: Buffer): void {
    if (!peer.line.send(message)) this.#end(peer, 'it does not read');
  }

  async begin({ caps }: Stream): Promise<void> {
    this.#caps = capsMessage(capsText(caps));
    for (const peer of [...this.#peers]) this.#mustSend(peer, this.#caps);
  }

  async take(frame: Frame): Promise<void> {
    if (this.#ended) return frame.done();
    const hasRoom = (peer: Peer) => peer.has.size < this.terms.unreleased;
    const awaited = () => [...this.#peers].filter((peer) => !peer.slow && !hasRoom(peer));
    await this.#until(() => awaited().length === 0, this.terms.patience);
    for (const peer of awaited()) {
      peer.slow = true;
      if (peer.told) continue;
      peer.told = true;
      this.terms.say(`${peer.name} has not released ${peer.has.size} frames: others pass it by`);
    }
    // One for this, or who leaves meanwhile would be the last.
    const given: Given = { frame, holders: 1 };
    const { buffer, memories, terms } = frame;
    const id = ++this.#ids;
    const kind = buffer.handleType === 'dma_buf' ? 'dma_buf' : 'fd';
    const message = bufferMessage({ ...terms, id, kind, memories });
    const fds = memories.map(({ fd }) => fd);
    for (const peer of [...this.#peers]) {
      if (!hasRoom(peer) || !peer.line.send(message, fds)) {
        peer.missed++;
        continue;
      }
      peer.frames++;
      peer.has.set(id, given);
      given.holders++;
    }
    this.#letGo(given);
  }

  /** Resolves when it is so, or when the time is over. */
  #until(isSo: () => boolean, milliseconds: number): Promise<void> {
    if (isSo() || milliseconds === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#changed.delete(look);
        resolve();
      };
      const look = () => {
        if (isSo()) end();
      };
      const timer = Number.isFinite(milliseconds) ? setTimeout(end, milliseconds) : undefined;
      this.#changed.add(look);
    });
  }

  /** Resolves when somebody is there. */
  some(): Promise<void> {
    return this.#until(() => this.wanted, Number.POSITIVE_INFINITY);
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const peer of [...this.#peers]) this.#mustSend(peer, eosMessage());
    await this.#until(() => !this.wanted, END_MS);
    this.close();
  }

  /** All leave. */
  close(): void {
    for (const peer of [...this.#peers]) this.#end(peer, 'the stream is over');
  }
}
