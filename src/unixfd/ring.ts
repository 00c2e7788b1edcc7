/**
 * The broker's buffers that frames are written to, each again when nobody has it any more. There are as many as can be
 * had at once and one more, made when they are needed: so one is free whatever the peers hold.
 *
 * Owns: the buffers with their mappings, until `close`.
 */
import type { Client, ClientBuffer, HandleType, MappedMemory } from '../client/index.js';
import { BrokerError } from '../client/index.js';
import type { FrameMemory, Stream } from './frame.js';

export interface RingTerms {
  readonly client: Client;
  readonly handleTypes: readonly HandleType[];
  /** What the buffers are called in lists. */
  readonly name: string;
  /** How many there may be now. */
  readonly most: () => number;
  readonly say: (text: string) => void;
}

export interface Slot {
  readonly buffer: ClientBuffer;
  readonly memory: MappedMemory;
  readonly memories: readonly FrameMemory[];
}

export class Ring {
  readonly #all = new Set<Slot>();
  readonly #free: Slot[] = [];
  readonly #waiting: (() => void)[] = [];
  #closed = false;
  #told = false;

  constructor(
    private readonly stream: Stream,
    private readonly terms: RingTerms,
  ) {}

  /** One that may be written; `giveBack` it. Rejects with BrokerError where there is none and none can be made. */
  async take(): Promise<Slot> {
    for (;;) {
      const free = this.#free.pop();
      if (free !== undefined) {
        if (isGood(free.buffer)) return free;
        this.#drop(free);
      } else if (this.#all.size >= this.terms.most() || !(await this.#refill())) {
        // While that was refused one may have been given back, which wakes nobody, or the last have gone.
        if (this.#free.length > 0 || this.#all.size === 0) continue;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  giveBack(slot: Slot): void {
    if (this.#closed || this.#all.size > this.terms.most() || !isGood(slot.buffer)) {
      this.#drop(slot);
    } else this.#free.push(slot);
    this.#waiting.shift()?.();
  }

  /** Makes one more; false where that is refused, and there are others to wait for. */
  async #refill(): Promise<boolean> {
    try {
      this.#free.push(await this.#make());
      return true;
    } catch (error) {
      if (!(error instanceof BrokerError) || this.#all.size === 0) throw error;
      if (!this.#told) this.terms.say(`${this.#all.size} buffers must do: ${error.message}`);
      this.#told = true;
      return false;
    }
  }

  async #make(): Promise<Slot> {
    const { client, handleTypes, name } = this.terms;
    const { layout, video } = this.stream;
    const { width, height } = video;
    const buffer = await allocate(client, {
      ...{ width, height, format: layout.fourcc, layout: layout.planes, size: layout.size },
      ...{ handleTypes, name },
    });
    const memory = buffer.map();
    const fd = buffer.planes[0]?.fd ?? -1;
    const slot = { buffer, memory, memories: [{ fd, offset: 0, size: layout.size }] };
    this.#all.add(slot);
    return slot;
  }

  #drop(slot: Slot): void {
    this.#all.delete(slot);
    slot.buffer.release();
  }

  /** Those that somebody has go when they are given back. */
  close(): void {
    this.#closed = true;
    for (const slot of this.#free.splice(0)) this.#drop(slot);
  }
}

/** Whether the daemon has it, and wants it to go on. */
const isGood = ({ released, recalled, lost, gone }: ClientBuffer): boolean =>
  released === null && recalled === null && !lost && gone === null;

interface Wanted {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly layout: readonly { readonly offset: number; readonly stride: number }[];
  readonly size: number;
  readonly handleTypes: readonly HandleType[];
  readonly name: string;
}

/** Why an image as GStreamer lays it out cannot be had, and linear memory can. */
const NO_IMAGE: readonly string[] = ['unsupported_layout', 'unsupported_format'];

/** An image, so that lists and other clients know what it is; or memory, which is all that GStreamer needs. */
async function allocate(client: Client, wanted: Wanted): Promise<ClientBuffer> {
  const { size, handleTypes, name, width, height, format, layout } = wanted;
  try {
    const image = { kind: 'image', width, height, format, modifiers: [0n], layout } as const;
    return await client.allocate({ ...image, handleTypes, name });
  } catch (error) {
    if (!(error instanceof BrokerError) || !NO_IMAGE.includes(error.code)) throw error;
    return client.allocate({ kind: 'buffer', size, handleTypes, name });
  }
}
