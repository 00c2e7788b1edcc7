/** What waits to be sent on a connection, as a test looks at it. */

import type { Connection } from '../../../../src/server/wayland/connection.js';
import type { Packet } from '../../../../src/server/wayland/output.js';

export interface NextPacket {
  readonly bytes: Buffer;
  readonly held: Packet['held'];
}

/** The first packet; undefined where nothing waits. */
export function nextPacket({ output }: Connection): NextPacket | undefined {
  const [packet] = output.packets;
  if (packet === undefined) return undefined;
  return { bytes: Buffer.from(output.pending().subarray(0, packet.length)), held: packet.held };
}
