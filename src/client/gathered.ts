/**
 * What the daemon says of a buffer's memory, one event after the other, until `done`: when it is allocated, imported or
 * redeemed, and again each time that it is re-issued.
 *
 * A class to be extended by the object that hears the events: thousands of buffers would else have one more each.
 *
 * Owns: the fds of planes that have come, until the description is handed out.
 */
import { fourccName } from '../memory/fourcc.js';
import type { HandleType } from '../memory/source.js';
import { usageNames } from '../memory/usage.js';
import { close } from '../native/libc/fd.js';
import { dmabroker_buffer_v1 } from '../protocol/dmabroker-v1.gen.js';
import { type Handlers, join64, type MessageOf, size64, type Values } from '../protocol/wire.js';
import type { BufferDescription, ReceivedMemory, ReceivedPlane } from './description.js';
import { handleTypeOf, nameOf, type OrUnknown } from './enums.js';
import { closePlanes } from './planes.js';

export type BufferEvents = Handlers<typeof dmabroker_buffer_v1, 'events'>;
export type Told<N extends keyof BufferEvents> = Values<
  MessageOf<typeof dmabroker_buffer_v1, 'events', N>
>;

/** What comes of each event before `done`. */
type Describing = Pick<
  BufferEvents,
  'info' | 'memory' | 'plane' | 'checked' | 'vulkan_memory' | 'device' | 'fell_back' | 'unverified'
>;

type Info = Omit<
  BufferDescription,
  | 'handleType'
  | 'memories'
  | 'planes'
  | 'device'
  | 'checked'
  | 'vulkan'
  | 'fellBack'
  | 'unverifiedUsage'
>;

export abstract class Gathered implements Describing {
  #info: Info | null = null;
  #memories: ReceivedMemory[] = [];
  #planes: ReceivedPlane[] = [];
  /** The handle type of what is kept of them. */
  #planeType: number | null = null;
  #device: BufferDescription['device'] = null;
  #checked: BufferDescription['checked'] = null;
  #vulkan: BufferDescription['vulkan'] = null;
  #fellBack: BufferDescription['fellBack'] = null;
  #unverifiedUsage: BufferDescription['unverifiedUsage'] = [];

  /** It is to have no others, whatever it is told: a daemon that was restarted does not know of them. */
  constructor(private readonly types?: readonly OrUnknown<HandleType>[]) {}

  info(
    ...[id, generation, _types, source, sizeHi, sizeLo, code, modHi, modLo, w, h]: Told<'info'>
  ): void {
    const image = code !== 0;
    this.#info = {
      id,
      generation,
      source,
      size: size64(sizeHi, sizeLo),
      format: image ? fourccName(code) : null,
      modifier: image ? join64(modHi, modLo) : null,
      width: image ? w : null,
      height: image ? h : null,
    };
  }

  memory(...[index, sizeHi, sizeLo]: Told<'memory'>): void {
    this.#memories[index] = { size: size64(sizeHi, sizeLo) };
  }

  plane(...[fd, type, index, memory, offset, stride]: Told<'plane'>): void {
    const handleType = handleTypeOf(type);
    if (this.types?.includes(handleType) === false) {
      close(fd);
      return;
    }
    this.#planeType ??= type;
    const known = this.#planes[index];
    if (known === undefined && type === this.#planeType)
      this.#planes[index] = { fd, memory, offset, stride };
    // The buffer may have been made as several types; what a later daemon has beside those is of no use here.
    else if (known === undefined || type === this.#planeType || handleType === 'unknown') close(fd);
    else
      this.#planes[index] = { ...known, further: [...(known.further ?? []), { handleType, fd }] };
  }

  checked(...[how, reason]: Told<'checked'>): void {
    this.#checked = { how: nameOf(dmabroker_buffer_v1.enums.import_check, how), reason };
  }

  vulkan_memory(...[memoryType, dedicated]: Told<'vulkan_memory'>): void {
    this.#vulkan = { memoryType, dedicated: dedicated === 1 };
  }

  device(uuid: string): void {
    this.#device = uuid;
  }

  fell_back(...[reason, source, message]: Told<'fell_back'>): void {
    const why = nameOf(dmabroker_buffer_v1.enums.fall_back, reason);
    this.#fellBack = { reason: why, source: source === '' ? null : source, message };
  }

  unverified(usage: number): void {
    this.#unverifiedUsage = usageNames(usage);
  }

  /** All that was said until now, whose fds are the caller's; null where nothing was. */
  protected take(): BufferDescription | null {
    if (this.#info === null) return null;
    const [memories, planes] = [this.#memories, this.#planes];
    const handleType = handleTypeOf(this.#planeType ?? 0);
    this.#memories = [];
    this.#planes = [];
    this.#planeType = null;
    const { id, generation, source, size, format, modifier, width, height } = this.#info;
    return {
      id,
      generation,
      source,
      size,
      format,
      modifier,
      width,
      height,
      handleType,
      memories,
      planes,
      device: this.#device,
      checked: this.#checked,
      vulkan: this.#vulkan,
      fellBack: this.#fellBack,
      unverifiedUsage: this.#unverifiedUsage,
    };
  }

  /** Nobody wants it any more. */
  protected drop(): void {
    closePlanes(this.#planes);
    this.#planes = [];
  }
}
