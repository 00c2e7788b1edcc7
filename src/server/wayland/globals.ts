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
import { ownNode } from '../machine/drm-node.js';
import type { PlaneSetup } from '../words/messages.js';
import type { Global } from './display.js';
import { advertised, dmabufGlobal, formatTable, TABLE_ENTRY, tranches } from './dmabuf.js';
import { bindManager } from './manager.js';

/** What a registry of the data plane's clients lists; made once. */
export function globalsOf(broker: Broker, setup: PlaneSetup): readonly Global[] {
  const { offers, device, listed, foreseen } = setup.inventory;
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
  if (mainDevice === null) return [manager, dmabufGlobal(2, formats, null)];
  const nodes = listed.map(({ deviceUuid, drm }) => ({
    device: ownNode(drm),
    formats: advertised(foreseen.get(deviceUuid) ?? []),
  }));
  const told = tranches([{ device: mainDevice, formats }, ...nodes]);
  const table = new HeldFds([sealedBytes('dmabroker-table', formatTable(told.table))], close);
  const feedback = { tranches: told.tranches, size: told.table.length * TABLE_ENTRY, table };
  return [manager, dmabufGlobal(2, formats, feedback)];
}
