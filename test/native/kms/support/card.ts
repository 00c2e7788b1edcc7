/**
 * A card that is none: it answers the calls of a conversation as a driver would, and counts what is made in it. What it
 * does not know of throws; so does what would change what is shown.
 */
import { addressOf } from '../../../../src/native/ffi.js';
import * as k from '../../../../src/native/kms/layout.js';
import type { Talk } from '../../../../src/native/kms/talk.js';
import type { LongCall } from '../../../../src/native/later.js';

export const CARD_FD = 77;
const EACCES = 13;

/** Of connector 30, with the encoder 40, which feeds from CRTC 20 or 21; plane 50 is 20's overlay, 51 and 52 are primary. */
const PROPERTIES: Readonly<Record<number, readonly string[]>> = {
  20: ['ACTIVE', 'MODE_ID'],
  21: ['ACTIVE', 'MODE_ID'],
  30: ['CRTC_ID', 'DPMS'],
};
const OF_PLANE = [
  ...['type', 'FB_ID', 'CRTC_ID', 'CRTC_X', 'CRTC_Y', 'CRTC_W', 'CRTC_H'],
  ...['SRC_X', 'SRC_Y', 'SRC_W', 'SRC_H', 'rotation'],
];
const NAMES = [...new Set([...Object.values(PROPERTIES).flat(), ...OF_PLANE])];
const FIRST_NAME = 100;

export interface Commit {
  readonly flags: number;
  /** By object and name. */
  readonly values: ReadonlyMap<string, number>;
}

export class FakeCard {
  /** errno of open(2). */
  closed = 0;
  /** Whose it is. */
  master: 'nobody' | 'daemon' | 'other' = 'nobody';
  isOpen = false;
  connection = k.CONNECTED;
  /** Width and height of each; what nobody has looked at yet is told when somebody does. */
  modes: [number, number][] = [[1024, 768]];
  probed = true;
  formats = [0x34325258];
  hasModifiers = true;
  /** The CRTC that the connector is on. */
  crtc = 0;
  /** Another connector is on this one; 0: there is none. */
  otherCrtc = 0;
  /** errno of an ioctl, by its request. */
  readonly errors = new Map<number, number>();
  /** The call of this number fails so, whatever it is. */
  failing: { readonly at: number; readonly errno: number } | null = null;
  calls = 0;
  /** Of these, those that were made as master. */
  asMaster = 0;
  readonly handles = new Set<number>();
  readonly framebuffers = new Map<number, { readonly modifier: bigint; readonly flags: number }>();
  readonly blobs = new Set<number>();
  readonly commits: Commit[] = [];
  #last = 1000;

  /** Runs a conversation to its end. */
  run<T>(talk: Talk<T>): T {
    for (let result = 0; ; ) {
      const step = talk.next(result);
      if (step.done === true) return step.value;
      result = this.#answer(step.value);
    }
  }

  /** What was made and not let go of. */
  get left(): object {
    const { isOpen, handles, framebuffers, blobs, master } = this;
    return { isOpen, master, made: [handles.size, framebuffers.size, blobs.size] };
  }

  #answer({ args, keeps }: LongCall): number {
    const [first = 0, second = 0] = args;
    if (keeps === undefined) return this.#close(first);
    const isFailing = ++this.calls === this.failing?.at;
    if (isFailing) return -(this.failing?.errno ?? 0);
    if (args.length === 2) return this.#open();
    if (first !== CARD_FD || !this.isOpen) throw new Error(`${first} is not open`);
    const error = this.errors.get(second);
    if (error !== undefined) return -error;
    if (this.master === 'daemon') this.asMaster++;
    return this.#ioctl(
      second,
      new Struct(Buffer.from(keeps.buffer, keeps.byteOffset, keeps.length)),
    );
  }

  #open(): number {
    if (this.closed !== 0) return -this.closed;
    this.isOpen = true;
    if (this.master === 'nobody') this.master = 'daemon';
    return CARD_FD;
  }

  /** The kernel takes back what is left; here that is seen. */
  #close(fd: number): number {
    if (fd !== CARD_FD || !this.isOpen) throw new Error(`${fd} is not open`);
    this.isOpen = false;
    if (this.master === 'daemon') this.master = 'nobody';
    return 0;
  }

  #ioctl(request: number, s: Struct): number {
    switch (request) {
      case k.VERSION.request:
        s.text(k.VERSION.name, 'fake');
        s.bytes.writeBigUInt64LE(4n, k.VERSION.nameLength);
        return 0;
      case k.SET_MASTER:
        if (this.master === 'other') return -EACCES;
        this.master = 'daemon';
        return 0;
      case k.DROP_MASTER:
        if (this.master !== 'daemon') throw new Error('it is not the master');
        this.master = 'nobody';
        return 0;
      case k.SET_CLIENT_CAP.request:
        return 0;
      case k.GET_CAP.request:
        s.set(k.GET_CAP.value, this.hasModifiers ? 1 : 0);
        return 0;
      case k.PRIME_FD_TO_HANDLE.request: {
        const handle = s.u32(k.PRIME_FD_TO_HANDLE.fd) + 500;
        this.handles.add(handle);
        s.set(k.PRIME_FD_TO_HANDLE.handle, handle);
        return 0;
      }
      case k.GEM_CLOSE.request:
        return this.#delete(this.handles, s.u32(k.GEM_CLOSE.handle));
      case k.CREATE_BLOB.request:
        return this.#new(this.blobs, s, k.CREATE_BLOB.id);
      case k.DESTROY_BLOB.request:
        return this.#delete(this.blobs, s.u32(0));
      case k.ADD_FB2.request:
        return this.#addFramebuffer(s);
      case k.REMOVE_FB.request:
        return this.#delete(this.framebuffers, s.u32(0));
      case k.ATOMIC.request:
        return this.#commit(s);
      default:
        return this.#tell(request, s);
    }
  }

  #new(where: Set<number>, s: Struct, field: number): number {
    s.set(field, ++this.#last);
    where.add(this.#last);
    return 0;
  }

  #delete(where: Set<number> | Map<number, unknown>, id: number): number {
    if (!where.delete(id)) throw new Error(`there is no ${id}`);
    return 0;
  }

  #addFramebuffer(s: Struct): number {
    const a = k.ADD_FB2;
    for (let i = 0; i < 4; i++) {
      const handle = s.u32(a.handles + 4 * i);
      if (handle !== 0 && !this.handles.has(handle)) throw new Error(`no handle ${handle}`);
    }
    s.set(a.id, ++this.#last);
    const modifier = s.bytes.readBigUInt64LE(a.modifiers);
    this.framebuffers.set(this.#last, { modifier, flags: s.u32(a.flags) });
    return 0;
  }

  #commit(s: Struct): number {
    const a = k.ATOMIC;
    const flags = s.u32(a.flags);
    if ((flags & k.TEST_ONLY) === 0) throw new Error('that would change what is shown');
    if (this.master !== 'daemon') return -EACCES;
    const objects = s.numbers(a.objects, s.u32(a.objectCount), 4);
    const counts = s.numbers(a.counts, objects.length, 4);
    const all = counts.reduce((sum, count) => sum + count, 0);
    const ids = s.numbers(a.ids, all, 4);
    const values = s.numbers(a.values, all, 8);
    const named = objects.flatMap((object, i) =>
      Array.from({ length: counts[i] ?? 0 }, () => object),
    );
    const of = new Map(
      ids.map((id, i) => [`${named[i]} ${NAMES[id - FIRST_NAME]}`, values[i] ?? -1]),
    );
    this.commits.push({ flags, values: of });
    return 0;
  }

  #tell(request: number, s: Struct): number {
    if (request === k.GET_RESOURCES.request) {
      s.fill(k.GET_RESOURCES.crtcs, k.GET_RESOURCES.crtcCount, [20, 21]);
      const others = this.otherCrtc === 0 ? [] : [31];
      s.fill(k.GET_RESOURCES.connectors, k.GET_RESOURCES.connectorCount, [...others, 30]);
    } else if (request === k.GET_CONNECTOR.request) this.#tellConnector(s);
    else if (request === k.GET_ENCODER.request) {
      const isOther = s.u32(k.GET_ENCODER.id) === 41;
      s.set(k.GET_ENCODER.crtc, isOther ? this.otherCrtc : this.crtc);
      s.set(k.GET_ENCODER.possibleCrtcs, 3);
    } else if (request === k.GET_PLANE_RESOURCES.request) {
      s.fill(k.GET_PLANE_RESOURCES.planes, k.GET_PLANE_RESOURCES.count, [50, 51, 52]);
    } else if (request === k.GET_PLANE.request) {
      s.set(k.GET_PLANE.possibleCrtcs, s.u32(k.GET_PLANE.id) === 52 ? 2 : 1);
      s.fill(k.GET_PLANE.formats, k.GET_PLANE.formatCount, this.formats);
    } else if (request === k.GET_PROPERTIES.request) this.#tellProperties(s);
    else if (request === k.GET_PROPERTY.request) {
      const name = NAMES[s.u32(k.GET_PROPERTY.id) - FIRST_NAME] ?? '';
      s.bytes.write(name, k.GET_PROPERTY.name);
    } else throw new Error(`an unknown request ${request.toString(16)}`);
    return 0;
  }

  #tellConnector(s: Struct): void {
    const c = k.GET_CONNECTOR;
    const isOther = s.u32(c.id) === 31;
    const isAsked = s.u32(c.modeCount) === 0;
    if (isAsked && this.master !== 'daemon') throw new Error('only the master looks');
    if (isAsked) this.probed = true;
    s.set(c.connection, isOther ? k.DISCONNECTED : this.probed ? this.connection : 3);
    s.set(c.encoder, isOther ? 41 : this.crtc === 0 ? 0 : 40).set(c.type, 11);
    if (s.u32(c.encoderCount) > 0) s.fill(c.encoders, c.encoderCount, [40]);
    const modes = this.probed && !isOther ? this.modes : [];
    if (!isAsked) {
      const at = s.at(c.modes);
      for (const [i, [width, height]] of modes.entries()) {
        s.bytes.writeUInt16LE(width, at + i * k.MODE.size + k.MODE.width);
        s.bytes.writeUInt16LE(height, at + i * k.MODE.size + k.MODE.height);
      }
    }
    s.set(c.modeCount, modes.length);
  }

  #tellProperties(s: Struct): void {
    const p = k.GET_PROPERTIES;
    const object = s.u32(p.object);
    const names = PROPERTIES[object] ?? OF_PLANE;
    const at = s.at(p.values);
    // The type comes first.
    s.bytes.writeBigUInt64LE(object === 50 ? 0n : BigInt(k.PRIMARY), at);
    const ids = names.map((name) => NAMES.indexOf(name) + FIRST_NAME);
    s.fill(p.ids, p.count, ids);
  }
}

/** An ioctl's argument, and what it points to, which lies behind it in the same bytes. */
class Struct {
  constructor(readonly bytes: Buffer) {}

  u32(field: number): number {
    return this.bytes.readUInt32LE(field);
  }

  set(field: number, value: number): this {
    this.bytes.writeUInt32LE(value, field);
    return this;
  }

  /** Where what a field points to lies. */
  at(field: number): number {
    return Number(this.bytes.readBigUInt64LE(field)) - addressOf(this.bytes);
  }

  text(field: number, value: string): void {
    this.bytes.write(value, this.at(field));
  }

  numbers(field: number, count: number, size: 4 | 8): number[] {
    const at = this.at(field);
    return Array.from({ length: count }, (_, i) =>
      size === 4 ? this.u32(at + 4 * i) : Number(this.bytes.readBigUInt64LE(at + 8 * i)),
    );
  }

  /** As many as there is room for, and how many there are. */
  fill(field: number, count: number, values: readonly number[]): void {
    const at = this.at(field);
    for (const [i, value] of values.slice(0, this.u32(count)).entries())
      this.set(at + 4 * i, value);
    this.set(count, values.length);
  }
}
