/**
 * Records in a memfd that outlive the process: written so that whatever instruction it ends at, each record
 * is there as it was or as it is, and never a part of it.
 *
 * The file: a page of head, then slots of one size. A record takes one or more: its first slot has the
 * number of the next, and so on. A slot's state word is written last (and first, where it is freed), and a
 * changed record is a new one beside the old, whose slot is freed then; both may be there, of which the one
 * with the higher number is newer. The size is sealed, so that nobody can take pages from under the mapping.
 *
 * A second word of the first slot says that somebody was told of the record. It is written by whoever tells:
 * dmab_step, just before the message goes, and taken back where it did not (step.ts). A process that ends in
 * that moment has told nobody, perhaps: what is kept then is kept too long rather than lost.
 *
 * Numbers are in the machine's byte order: the file never leaves it.
 *
 * Owns: the memfd and its mapping.
 */
import { fstatSync } from 'node:fs';
import { type Address, addressOf } from './ffi.js';
import { close } from './libc/fd.js';
import { type Mapping, map, sealedMemfd } from './libc/memory.js';

const MAGIC = Buffer.from('dmab-rec');
const HEAD_BYTES = 4096;
const SLOT_BYTES = 512;
/** Of a slot's own words before its bytes. */
const WORDS_BYTES = 32;
const PAYLOAD = SLOT_BYTES - WORDS_BYTES;
const SLOT_WORDS = SLOT_BYTES / 4;

/** Words of the head. */
const Head = { version: 2, slotBytes: 3, slots: 4, ready: 5, used: 6 } as const;
/** Numbers of the head that whoever has the file keeps there: doubles, from this one on. */
const FIRST_NUMBER = 8;
/** Words of a slot. */
const Slot = { state: 0, told: 1, next: 2, length: 3 } as const;
/** The double in a slot's words 4 and 5. */
const ORDER = 2;

const FREE = 0;
const FIRST = 1;
const REST = 2;

/** How many a record of so many bytes takes. */
export const slotsFor = (bytes: number): number => Math.max(1, Math.ceil(bytes / PAYLOAD));

/** Such a file cannot be read: it is not whole, or no such file at all. */
export class UnreadableSlots extends Error {
  override readonly name = 'UnreadableSlots';
}

/** A later version than this one has written it. */
export class LaterSlots extends Error {
  override readonly name = 'LaterSlots';
}

export interface StoredRecord {
  /** Its first slot's. */
  readonly slot: number;
  readonly order: number;
  readonly told: boolean;
  /** A copy. */
  readonly bytes: Buffer;
}

export class Slots {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #address: Address;
  readonly #count: number;
  /** Free ones among those that were used, the last one is taken first. */
  readonly #free: number[] = [];
  /** The first slot that was never used: what is behind it has no pages, and is to get none by being read. */
  #fresh = 0;
  /** Free from the next `recycle` on. */
  #freed: number[] = [];
  #order = 0;

  private constructor(
    /** Of the memfd, for whoever keeps it; it stays this one's. */
    readonly fd: number,
    private readonly mapping: Mapping,
    count: number,
  ) {
    const { bytes } = mapping;
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    this.#address = addressOf(bytes);
    this.#count = count;
  }

  /** An empty file. Pages are taken as they are written, so that many slots cost nothing. */
  static make(name: string, count: number, version: number): Slots {
    const size = HEAD_BYTES + count * SLOT_BYTES;
    const fd = sealedMemfd(name, size);
    const slots = Slots.#mapped(fd, size, count);
    MAGIC.copy(slots.#bytes);
    slots.#words[Head.version] = version;
    slots.#words[Head.slotBytes] = SLOT_BYTES;
    slots.#words[Head.slots] = count;
    Atomics.store(slots.#words, Head.ready, 1);
    return slots;
  }

  /**
   * A file that an earlier process has made; the fd is this one's once it is returned. Throws UnreadableSlots,
   * or LaterSlots where its version is higher; the fd stays the caller's then.
   */
  static open(fd: number, version: number): { slots: Slots; version: number } {
    const { size } = fstatSync(fd);
    const count = (size - HEAD_BYTES) / SLOT_BYTES;
    if (!Number.isInteger(count) || count < 1) throw new UnreadableSlots(`it has ${size} bytes`);
    const slots = Slots.#mapped(fd, size, count);
    try {
      const found = slots.#check(version);
      slots.#find();
      return { slots, version: found };
    } catch (error) {
      slots.mapping.release();
      throw error;
    }
  }

  /** What `open` would say; nothing stays mapped. */
  static check(fd: number, version: number): void {
    const { slots } = Slots.open(fd, version);
    slots.mapping.release();
  }

  static #mapped(fd: number, size: number, count: number): Slots {
    return new Slots(fd, map(fd, size, { write: true }), count);
  }

  #check(version: number): number {
    const words = this.#words;
    if (!this.#bytes.subarray(0, MAGIC.length).equals(MAGIC) || words[Head.ready] !== 1)
      throw new UnreadableSlots('it is no such file, or was not finished');
    const found = words[Head.version] ?? 0;
    if (found > version) throw new LaterSlots(`it is of version ${found}, and ${version} is known`);
    if (words[Head.slotBytes] !== SLOT_BYTES || words[Head.slots] !== this.#count)
      throw new UnreadableSlots('its slots are of another size or number');
    return found;
  }

  /**
   * What no whole record has is free: a record that was not finished, or what nobody here has written. Such
   * a one is freed.
   */
  #find(): void {
    this.#fresh = Math.max(0, Math.min(this.#words[Head.used] ?? 0, this.#count));
    const isUsed = new Uint8Array(this.#fresh);
    for (let slot = 0; slot < this.#fresh; slot++) {
      if (this.#word(slot, Slot.state) !== FIRST) continue;
      const chain = this.#chain(slot);
      const order = this.#orderOf(slot);
      if (chain === null || !Number.isSafeInteger(order) || chain.some((each) => isUsed[each])) {
        this.#setWord(slot, Slot.state, FREE);
        continue;
      }
      this.#order = Math.max(this.#order, order);
      for (const each of chain) isUsed[each] = 1;
    }
    for (let slot = this.#fresh - 1; slot >= 0; slot--) if (!isUsed[slot]) this.#free.push(slot);
  }

  /** Says that all is of this version from now on. */
  set version(version: number) {
    Atomics.store(this.#words, Head.version, version);
  }

  /** A number of the head, from 0 on; they are 0 in the beginning. */
  number(index: number): number {
    return this.#doubles[FIRST_NUMBER + index] ?? 0;
  }

  setNumber(index: number, value: number): void {
    this.#doubles[FIRST_NUMBER + index] = value;
  }

  *records(): Generator<StoredRecord> {
    for (let slot = 0; slot < this.#fresh; slot++) {
      if (this.#word(slot, Slot.state) !== FIRST) continue;
      const parts = this.#slotsOf(slot).map((each) => {
        const at = this.#payloadAt(each);
        return this.#bytes.subarray(at, at + PAYLOAD);
      });
      const bytes = Buffer.concat(parts).subarray(0, this.#word(slot, Slot.length));
      yield { slot, order: this.#orderOf(slot), told: this.isTold(slot), bytes };
    }
  }

  /**
   * Writes a record, in place of another where one is named. Returns its first slot; null where there is no
   * room: then nothing has changed.
   */
  write(record: Uint8Array, { told, replaces }: { told: boolean; replaces: number | null }) {
    const chain = this.#take(slotsFor(record.length));
    if (chain === null) return null;
    for (const [index, slot] of chain.entries()) {
      const part = record.subarray(index * PAYLOAD, (index + 1) * PAYLOAD);
      this.#bytes.set(part, this.#payloadAt(slot));
      this.#setWord(slot, Slot.next, (chain[index + 1] ?? -1) + 1);
      if (index > 0) this.#setWord(slot, Slot.state, REST);
    }
    const first = chain[0] as number;
    this.#setWord(first, Slot.length, record.length);
    this.#setWord(first, Slot.told, told ? 1 : 0);
    this.#doubles[(this.#wordAt(first, 0) >> 1) + ORDER] = ++this.#order;
    // Sequentially consistent: nothing above is moved behind it.
    Atomics.store(this.#words, this.#wordAt(first, Slot.state), FIRST);
    if (replaces !== null) this.remove(replaces);
    return first;
  }

  #take(count: number): number[] | null {
    const reused = Math.min(count, this.#free.length);
    const fresh = count - reused;
    if (this.#fresh + fresh > this.#count) return null;
    const chain = this.#free.splice(this.#free.length - reused, reused);
    for (let i = 0; i < fresh; i++) chain.push(this.#fresh++);
    if (fresh > 0) Atomics.store(this.#words, Head.used, this.#fresh);
    return chain;
  }

  /** Its slots are not used again before `recycle`. */
  remove(slot: number): void {
    this.#freed.push(...this.#clear(slot));
  }

  /** The same of a record of whose words nobody has an address: its slots are free at once. */
  discard(slot: number): void {
    this.#free.push(...this.#clear(slot));
  }

  #clear(slot: number): number[] {
    const chain = this.#slotsOf(slot);
    Atomics.store(this.#words, this.#wordAt(slot, Slot.state), FREE);
    for (const each of chain) this.#setWord(each, Slot.state, FREE);
    return chain;
  }

  /** Nobody has an address of what was removed any more. */
  recycle(): void {
    if (this.#freed.length === 0) return;
    this.#free.push(...this.#freed);
    this.#freed = [];
  }

  /** Where the word is that says whether somebody was told of a record. */
  toldAt(slot: number): Address {
    return this.#address + 4 * this.#wordAt(slot, Slot.told);
  }

  isTold(slot: number): boolean {
    return this.#word(slot, Slot.told) === 1;
  }

  tell(slot: number): void {
    this.#setWord(slot, Slot.told, 1);
  }

  /** How many the record has. */
  count(slot: number): number {
    return slotsFor(this.#word(slot, Slot.length));
  }

  /** How many there are, free or not. */
  get size(): number {
    return this.#count;
  }

  get free(): number {
    return this.#count - this.#fresh + this.#free.length + this.#freed.length;
  }

  /** Of a record that is whole. */
  #slotsOf(first: number): number[] {
    const chain = this.#chain(first);
    if (chain === null) throw new Error(`slot ${first} has no record`);
    return chain;
  }

  /** As many slots as its length takes, each its own, and no more; else null: the record is not whole. */
  #chain(first: number): number[] | null {
    const length = this.#word(first, Slot.length);
    const count = slotsFor(length);
    if (length < 0 || count > this.#fresh) return null;
    const chain = [first];
    let next = this.#word(first, Slot.next) - 1;
    while (chain.length < count) {
      // A slot of no such record, or of none, ends it; so does a circle, by its number.
      if (next < 0 || next >= this.#fresh || this.#word(next, Slot.state) !== REST) return null;
      chain.push(next);
      next = this.#word(next, Slot.next) - 1;
    }
    return next === -1 && new Set(chain).size === count ? chain : null;
  }

  #wordAt(slot: number, word: number): number {
    return HEAD_BYTES / 4 + slot * SLOT_WORDS + word;
  }

  #payloadAt(slot: number): number {
    return HEAD_BYTES + slot * SLOT_BYTES + WORDS_BYTES;
  }

  #word(slot: number, word: number): number {
    return this.#words[this.#wordAt(slot, word)] as number;
  }

  #setWord(slot: number, word: number, value: number): void {
    this.#words[this.#wordAt(slot, word)] = value;
  }

  #orderOf(slot: number): number {
    return this.#doubles[(this.#wordAt(slot, 0) >> 1) + ORDER] as number;
  }

  /** Unmaps it, and gives the fd to the caller. */
  detach(): number {
    this.mapping.release();
    return this.fd;
  }

  close(): void {
    close(this.detach());
  }
}

/** The numbers of a file's head alone, for another thread than the one that has its records. */
export class HeadNumbers {
  readonly #mapping: Mapping;
  readonly #doubles: Float64Array;

  /** The fd stays the caller's. */
  constructor(fd: number) {
    this.#mapping = map(fd, HEAD_BYTES, { write: true });
    const { bytes } = this.#mapping;
    this.#doubles = new Float64Array(bytes.buffer, bytes.byteOffset, HEAD_BYTES / 8);
  }

  get(index: number): number {
    return this.#doubles[FIRST_NUMBER + index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#doubles[FIRST_NUMBER + index] = value;
  }

  close(): void {
    this.#mapping.release();
  }
}
