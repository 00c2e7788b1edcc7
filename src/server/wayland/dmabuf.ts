/**
 * zwp_linux_dmabuf_v1, for advertising only: which formats and modifiers can be allocated, in the
 * form that compositors' clients and wayland-info read. Its create requests always fail, since
 * there is nothing here to attach a wl_buffer to.
 *
 * With a DRM node to name as the device it is version 6 (feedback); without one version 3 (format and modifier events), since
 * the feedback demands a device. Before version 6 that is the main device, alone. From it on there is none: each device that has a
 * node has a tranche for sampling, the main one's first, and a client names the device of the one that it takes
 * (dmabroker_params_v1.set_device), whose node the manager's `device` events tell.
 */
import type { HeldFds } from '../../broker/held-fds.js';
import type { FormatOffer } from '../../memory/source.js';
import {
  zwp_linux_buffer_params_v1,
  zwp_linux_dmabuf_feedback_v1,
  zwp_linux_dmabuf_v1,
} from '../../protocol/linux-dmabuf-v1.gen.js';
import { hi, join64, lo } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import type { Global } from './display.js';
import type { Resource } from './resource.js';

/** A format with a modifier, as in the format table. */
export interface AdvertisedFormat {
  readonly format: number;
  readonly modifier: bigint;
}

/** A device, and what can be had of it: places in the table. */
export interface Tranche {
  /** dev_t in native byte order. */
  readonly device: Buffer;
  readonly indices: Uint16Array;
}

/** What version 4 and later need: the DRM nodes, the main one first, and the table's memory (its fd belongs to `held`). */
export interface Feedback {
  readonly tranches: readonly [Tranche, ...Tranche[]];
  readonly table: HeldFds;
  /** Bytes of the table. */
  readonly size: number;
}

/** Of two bytes each, beside the header and their length. */
const INDICES_PER_EVENT = 2000;

/** The version from which a tranche says that it is for sampling, in place of a main device. */
const SAMPLING = 6;
/** Bytes of a dev_t. */
const DEV_T = 8;

/** An entry of the format table: format, 4 bytes of padding, modifier (zwp_linux_dmabuf_feedback_v1). */
export const TABLE_ENTRY = 16;

/**
 * What linux-dmabuf may say: dma_bufs alone, each pair once, though several sources have it (a
 * feedback's index has 16 bits, and a client adds each pair to its list).
 */
export function advertised(offers: readonly FormatOffer[]): AdvertisedFormat[] {
  const pairs = new Map<string, AdvertisedFormat>();
  for (const { format, modifier, handleType } of offers) {
    if (handleType !== 'dma_buf') continue;
    const key = `${format} ${modifier}`;
    if (!pairs.has(key)) pairs.set(key, { format, modifier });
  }
  return [...pairs.values()];
}

/** A device with what it offers; without a node nobody could name it. */
export interface DeviceFormats {
  readonly device: Buffer | null;
  readonly formats: readonly AdvertisedFormat[];
}

/**
 * The table of all, each pair once, and a tranche for each device that offers something, in their order. Of several with one
 * node the first has it: no pair may be twice in tranches of the same device (tranche_formats), and nobody could tell them apart.
 */
export function tranches([main, ...others]: readonly [
  DeviceFormats & { readonly device: Buffer },
  ...DeviceFormats[],
]): Pick<Feedback, 'tranches'> & { readonly table: readonly AdvertisedFormat[] } {
  const places = new Map<string, number>();
  const table: AdvertisedFormat[] = [];
  const trancheOf = (device: Buffer, formats: readonly AdvertisedFormat[]): Tranche => {
    const indices = formats.map((pair) => {
      const key = `${pair.format} ${pair.modifier}`;
      const place = places.get(key) ?? table.push(pair) - 1;
      places.set(key, place);
      return place;
    });
    return { device, indices: Uint16Array.from(indices) };
  };
  const nodes = new Set([main.device.toString('hex')]);
  const first = trancheOf(main.device, main.formats);
  const rest = others.flatMap(({ device, formats }) => {
    const node = device?.toString('hex') ?? '';
    if (device === null || formats.length === 0 || nodes.has(node)) return [];
    nodes.add(node);
    return [trancheOf(device, formats)];
  });
  return { tranches: [first, ...rest], table };
}

/** The bytes of the format table. */
export function formatTable(formats: readonly AdvertisedFormat[]): Buffer {
  const table = Buffer.alloc(formats.length * TABLE_ENTRY);
  for (const [i, { format, modifier }] of formats.entries()) {
    // Native byte order: the daemon runs on little-endian machines alone (package.json's cpu).
    table.writeUInt32LE(format, i * TABLE_ENTRY);
    table.writeBigUInt64LE(modifier, i * TABLE_ENTRY + 8);
  }
  return table;
}

export function dmabufGlobal(
  name: number,
  formats: readonly AdvertisedFormat[],
  feedback: Feedback | null,
): Global {
  return {
    name,
    definition: zwp_linux_dmabuf_v1,
    version: feedback === null ? 3 : zwp_linux_dmabuf_v1.version,
    bind: (connection, id, version) => {
      const sendFeedback = (feedbackId: number) => {
        const object = connection.objects.create(
          feedbackId,
          zwp_linux_dmabuf_feedback_v1,
          version,
          {
            destroy: () => {},
          },
        );
        // Version 4 is offered only with a device, so the request cannot come without one.
        if (feedback !== null) tell(connection, object, version, feedback);
      };
      const global = connection.objects.create(id, zwp_linux_dmabuf_v1, version, {
        destroy: () => {},
        create_params: (paramsId) => createParams(connection, paramsId, version),
        get_default_feedback: sendFeedback,
        // There are no surfaces here, so any object id is as good as another.
        get_surface_feedback: sendFeedback,
      });
      if (version >= 4) return;
      for (const format of new Set(formats.map((entry) => entry.format))) {
        global.event('format', format);
      }
      if (version < 3) return;
      for (const { format, modifier } of formats) {
        global.event('modifier', format, hi(modifier), lo(modifier));
      }
    },
  };
}

type FeedbackObject = Resource<typeof zwp_linux_dmabuf_feedback_v1>;

function tell(
  connection: Connection,
  object: FeedbackObject,
  version: number,
  { tranches, table, size }: Feedback,
): void {
  const [fd] = table.fds;
  if (fd === undefined) throw new Error('the format table has no fd');
  const { sampling } = zwp_linux_dmabuf_feedback_v1.enums.tranche_flags;
  const [main] = tranches;
  connection.packet(table, () => {
    object.event('format_table', fd, size);
    if (version < SAMPLING) object.event('main_device', main.device);
    for (const { device, indices } of version < SAMPLING ? [main] : tranches) {
      object.event('tranche_target_device', device);
      // A flag is known to those alone for whom it is.
      object.event('tranche_flags', version < SAMPLING ? 0 : sampling);
      // One event or more, each of which is to fit into a message.
      for (let at = 0; at === 0 || at < indices.length; at += INDICES_PER_EVENT) {
        const some = indices.slice(at, at + INDICES_PER_EVENT);
        object.event('tranche_formats', Buffer.from(some.buffer));
      }
      object.event('tranche_done');
    }
    object.event('done');
  });
}

/** Takes what a client brings, closes it, and answers that it failed. */
function createParams(connection: Connection, id: number, version: number): void {
  let used = false;
  const use = () => {
    if (used) params.error('already_used', 'these parameters were used already');
    used = true;
  };
  let modifier: bigint | null = null;
  const params = connection.objects.create(id, zwp_linux_buffer_params_v1, version, {
    destroy: () => {},
    add: (fd, _plane, _offset, _stride, high, low) => {
      connection.foreign.close(fd);
      const own = join64(high, low);
      modifier ??= own;
      if (version >= 5 && modifier !== own) {
        params.error('invalid_format', 'all planes have the same modifier');
      }
    },
    // Nothing is imported on any device; but an array that is no dev_t is said to be none.
    set_sampling_device: (device) => {
      if (device.byteLength !== DEV_T) {
        params.error('invalid_dev_t_size', `a dev_t has ${DEV_T} bytes, not ${device.byteLength}`);
      }
    },
    create: () => {
      use();
      params.event('failed');
    },
    create_immed: () => {
      use();
      params.error('invalid_wl_buffer', 'no wl_buffer is made here: see dmabroker_params_v1');
    },
  });
}
