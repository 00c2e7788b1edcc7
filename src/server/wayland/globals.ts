/**
 * The globals that every client finds: the broker's own, and linux-dmabuf's where there are formats.
 *
 * Owns: the table of formats, a sealed memfd that lives as long as the data plane.
 */
import type { Broker } from '../../broker/broker.js';
import { HeldFds } from '../../broker/held-fds.js';
import { close } from '../../native/libc/fd.js';
import { sealedBytes } from '../../native/libc/memory.js';
import { dmabroker_manager_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type { PlaneSetup } from '../words/messages.js';
import type { Global } from './display.js';
import { advertised, dmabufGlobal, formatTable } from './dmabuf.js';
import { bindManager } from './manager.js';

/** What a registry of the data plane's clients lists; made once. */
export function globalsOf(broker: Broker, setup: PlaneSetup): readonly Global[] {
  const { offers, device, listed } = setup.inventory;
  const mainDevice = setup.mainDevice === null ? null : Buffer.from(setup.mainDevice);
  // What Vulkan does not have is no device of the protocol's, though it can be named.
  const others = listed.flatMap(({ main, driverUuid, ...each }) =>
    main || driverUuid === null ? [] : [{ ...each, driverUuid }],
  );
  const context = { broker, device, mainDevice, others };
  const manager: Global = {
    name: 1,
    definition: dmabroker_manager_v1,
    version: dmabroker_manager_v1.version,
    bind: (connection, id, version) => bindManager(context, connection, id, version),
  };
  const formats = advertised(offers);
  if (formats.length === 0) return [manager];
  const feedback =
    mainDevice === null
      ? null
      : {
          mainDevice,
          table: new HeldFds([sealedBytes('dmabroker-table', formatTable(formats))], close),
        };
  return [manager, dmabufGlobal(2, formats, feedback)];
}
