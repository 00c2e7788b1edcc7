/**
 * The client of an `unixfdsink`: what it sends becomes frames in memory of the broker's. dma_bufs are registered there as
 * they are (imports.ts); what lies in memfds is copied into buffers (ring.ts), since nobody else could be handed those, and
 * what lies in dma_bufs is, too, while the sink has got too few of them back.
 * Each buffer is released to the sink as soon as nobody needs it.
 *
 * The sink writes to its clients with its own lock held, and stands still while one of them does not read: so it is read,
 * unless the one who is to have the frames wants to be waited for.
 *
 * Owns: the connection, and the fds of a buffer until it is brought.
 */
import { BrokerError, type Client, type HandleType } from '../client/index.js';
import { kindOf } from '../native/kind.js';
import { close } from '../native/libc/fd.js';
import { CapsError, parseCaps, videoOf } from './codec/caps.js';
import { cutMetas, isVideoMeta, videoPlanes } from './codec/meta.js';
import { planesIn, repack } from './codec/planes.js';
import { type FrameTerms, type Message, PeerFault, releaseMessage } from './codec/wire.js';
import { Contents } from './contents.js';
import { type Consumer, type Frame, type Stream, streamOf } from './frame.js';
import { Imports } from './imports.js';
import { Line } from './line.js';
import { readAll, readWhole } from './memfds.js';
import { Ring } from './ring.js';

export interface UpstreamTerms {
  readonly client: Client;
  readonly handleTypes: readonly HandleType[];
  readonly name: string;
  /** How many frames its consumer may have at once. */
  readonly most: () => number;
  /** How many of the sink's own dma_bufs may be out at once; what is more is copied. */
  readonly borrow: number;
  /** Frames that come while one is being dealt with are left out but for the last: the sink's pipeline cannot wait. */
  readonly live: boolean;
  readonly say: (text: string) => void;
}

type BufferMessage = Extract<Message, { type: 'buffer' }>;

/** Caps, if it were to send nothing else. */
const MOST_WAITING = 16;
/** How often it is tried to tell a sink that does not read that a buffer is free. */
const AGAIN_MS = 10;

export class Upstream {
  readonly #messages: Message[] = [];
  readonly #line: Line;
  /** What the sink could not be told yet. */
  readonly #unsent: Buffer[] = [];
  #ended: { readonly why: string | null } | null = null;
  #wake = () => {};
  #stream: Stream | null = null;
  #imports: Imports | null = null;
  #ring: Ring | null = null;
  #refused: string | null = null;
  /** Frames in the sink's own dma_bufs that somebody has. */
  #out = 0;
  /** Frames that were late. */
  #missed = 0;
  readonly #contents = new Contents();

  /** The socket is connected, and this one's. */
  constructor(
    socket: number,
    private readonly terms: UpstreamTerms,
  ) {
    this.#line = new Line(socket, {
      message: (message) => {
        if (this.terms.live && this.#messages.length < MOST_WAITING) this.#catchUp();
        else this.#line.pause();
        this.#messages.push(message);
        this.#wake();
      },
      ended: (why) => {
        this.#ended = { why };
        this.#wake();
      },
    });
  }

  /** Until the sink says that there is no more: true; false where it has gone without. Rejects with PeerFault. */
  async run(consumer: Consumer): Promise<boolean> {
    for (;;) {
      const message = await this.#next();
      if (message === null) return false;
      if (message.type === 'eos') return true;
      if (message.type === 'release') throw new PeerFault('it releases what it was not given');
      if (message.type === 'caps') await this.#begin(message.text, consumer);
      else await this.#frame(message, consumer);
    }
  }

  /** What waits is late: its memory is wanted back. */
  #catchUp(): void {
    const at = this.#messages.findIndex(({ type }) => type === 'buffer');
    const [late] = at < 0 ? [] : this.#messages.splice(at, 1);
    if (late?.type !== 'buffer') return;
    for (const fd of late.fds) close(fd);
    this.#release(late.buffer.id);
    this.#missed++;
  }

  async #next(): Promise<Message | null> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#ended?.why != null) throw new PeerFault(this.#ended.why);
      if (this.#ended !== null) return null;
      this.#line.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #begin(text: string, consumer: Consumer): Promise<void> {
    // Before its pipeline knows.
    if (text === 'NULL') return;
    const caps = parseCaps(text);
    const stream = streamOf(caps, videoOf(caps));
    this.#letGo();
    this.#stream = stream;
    const { client, name } = this.terms;
    this.#imports = new Imports(client, stream, name);
    this.#ring = new Ring(stream, this.terms);
    await consumer.begin(stream);
  }

  async #frame(message: BufferMessage, consumer: Consumer): Promise<void> {
    const { buffer, fds } = message;
    let frame: Frame | null = null;
    try {
      if (consumer.wanted && fds.length > 0) frame = await this.#bring(message);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      // The next may be had: a quota is full for now.
      if (this.#refused !== error.code) this.terms.say(`frames are left out: ${error.message}`);
      this.#refused = error.code;
    } finally {
      for (const fd of fds) close(fd);
    }
    if (frame !== null) {
      this.#refused = null;
      await consumer.take(frame);
    } else this.#release(buffer.id);
  }

  #bring(message: BufferMessage): Promise<Frame> {
    if (this.#stream === null) throw new PeerFault('a buffer before its caps');
    const metas = cutMetas(message.metaBytes, message.metaCount);
    return message.buffer.kind === 'dma_buf'
      ? this.#register(message, metas, this.#stream)
      : this.#copy(message, metas, this.#stream);
  }

  async #register({ buffer, fds }: BufferMessage, metas: Buffer[], stream: Stream): Promise<Frame> {
    const imports = this.#imports as Imports;
    const planes = videoPlanes(metas);
    const imported = await imports.take(fds, buffer.memories, planes);
    const asUsual = planes === null || isSame(planes, stream.layout.planes);
    const others = metas.filter((meta) => !isVideoMeta(meta));
    this.#out++;
    const done = () => {
      this.#out--;
      imports.giveBack(imported);
      this.#release(buffer.id);
    };
    const frame: Frame = {
      buffer: imported.buffer,
      memories: imported.memories,
      // unixfdsrc drops that of the first frame anyway.
      terms: { ...buffer, metas: asUsual ? others : metas },
      planes: asUsual ? null : planes,
      done,
    };
    // Its pipeline has few, and ends when it has none left (v4l2src).
    if (this.#out <= this.terms.borrow || stream.video.modifier !== 0n) return frame;
    let copied: Frame;
    try {
      copied = await this.#copied(frame, others, stream);
    } catch (error) {
      // Who called releases it to the sink.
      this.#out--;
      imports.giveBack(imported);
      throw error;
    }
    done();
    return copied;
  }

  async #copied(frame: Frame, metas: readonly Buffer[], { layout }: Stream): Promise<Frame> {
    const content = Buffer.allocUnsafe(layout.size);
    await this.#contents.read(frame, layout, content);
    const ring = this.#ring as Ring;
    const slot = await ring.take();
    slot.memory.write((bytes) => content.copy(bytes));
    const { buffer, memories } = slot;
    const terms = { ...frame.terms, metas };
    return { buffer, memories, terms, planes: null, done: () => ring.giveBack(slot) };
  }

  async #copy(message: BufferMessage, metas: Buffer[], stream: Stream): Promise<Frame> {
    const { buffer, fds } = message;
    if (fds.some((fd) => kindOf(fd) !== 'memfd')) {
      throw new PeerFault('memory that is neither a dma_buf nor a memfd');
    }
    const planes = videoPlanes(metas);
    // Whether they lie in what there is.
    planesIn(buffer.memories, stream.layout, planes);
    const ring = this.#ring as Ring;
    const slot = await ring.take();
    try {
      const isUsual = planes === null || isSame(planes, stream.layout.planes);
      slot.memory.write((bytes) => {
        if (isUsual) readAll(fds, buffer.memories, bytes.subarray(0, stream.layout.size));
        else repack(readWhole(fds, buffer.memories), planes, stream.layout, bytes);
      });
    } catch (error) {
      ring.giveBack(slot);
      throw error;
    }
    this.#release(buffer.id);
    const terms: FrameTerms = { ...buffer, metas: metas.filter((meta) => !isVideoMeta(meta)) };
    const done = () => ring.giveBack(slot);
    return { buffer: slot.buffer, memories: slot.memories, terms, planes: null, done };
  }

  #release(id: bigint): void {
    this.#unsent.push(releaseMessage(id));
    if (this.#unsent.length === 1) this.#flush();
  }

  #flush(): void {
    for (;;) {
      const [first] = this.#unsent;
      if (first === undefined || !this.#line.open) return;
      if (!this.#line.send(first)) break;
      this.#unsent.shift();
    }
    setTimeout(() => this.#flush(), AGAIN_MS);
  }

  #letGo(): void {
    this.#imports?.close();
    this.#ring?.close();
  }

  /** What frames that somebody has lie in goes with them. */
  close(): void {
    if (this.#missed > 0)
      this.terms.say(`${this.#missed} frames came while others were dealt with: left out`);
    this.#letGo();
    this.#line.end();
    for (const message of this.#messages.splice(0)) {
      if (message.type === 'buffer') for (const fd of message.fds) close(fd);
    }
  }
}

/** Whether an error is the sink's doing. */
export const isFault = (error: unknown): error is Error =>
  error instanceof PeerFault || error instanceof CapsError;

type Planes = Stream['layout']['planes'];
const isSame = (a: Planes, b: Planes): boolean =>
  a.length === b.length &&
  a.every(({ offset, stride }, at) => offset === b[at]?.offset && stride === b[at]?.stride);
