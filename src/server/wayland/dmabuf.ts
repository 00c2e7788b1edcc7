/**
 * zwp_linux_dmabuf_v1, for advertising only: which formats and modifiers can be allocated, in the
 * form that compositors' clients and wayland-info read. Its create requests always fail, since
 * there is nothing here to attach a wl_buffer to.
 *
 * With a DRM node to name as the device it is version 6 (feedback); without one version 3 (format and modifier events), since
 * the feedback demands a device. Before version 6 that is the main device, from it on the one of a tranche for sampling. There is
 * one tranche: what another device could take is not known before the daemon has opened it.
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

/** A format with a modifier, as in the format table. */
export interface AdvertisedFormat {
  readonly format: number;
  readonly modifier: bigint;
}

/** What version 4 and later need: the DRM node and the table's memory (its fd belongs to `held`). */
export interface Feedback {
  /** dev_t in native byte order. */
  readonly mainDevice: Buffer;
  readonly table: HeldFds;
}

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
        const object = connection.create(feedbackId, zwp_linux_dmabuf_feedback_v1, version, {
          destroy: () => {},
        });
        // Version 4 is offered only with a device, so the request cannot come without one.
        if (feedback !== null) tell(connection, object, version, formats, feedback);
      };
      const global = connection.create(id, zwp_linux_dmabuf_v1, version, {
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

type FeedbackObject = ReturnType<
  typeof Connection.prototype.create<typeof zwp_linux_dmabuf_feedback_v1>
>;

function tell(
  connection: Connection,
  object: FeedbackObject,
  version: number,
  formats: readonly AdvertisedFormat[],
  { mainDevice, table }: Feedback,
): void {
  const [fd] = table.fds;
  if (fd === undefined) throw new Error('the format table has no fd');
  const indices = Buffer.from(Uint16Array.from(formats.keys()).buffer);
  connection.packet(table, () => {
    object.event('format_table', fd, formats.length * TABLE_ENTRY);
    if (version < SAMPLING) object.event('main_device', mainDevice);
    object.event('tranche_target_device', mainDevice);
    // A flag is known to those alone for whom it is.
    const { sampling } = zwp_linux_dmabuf_feedback_v1.enums.tranche_flags;
    object.event('tranche_flags', version < SAMPLING ? 0 : sampling);
    object.event('tranche_formats', indices);
    object.event('tranche_done');
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
  const params = connection.create(id, zwp_linux_buffer_params_v1, version, {
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
