/** What waits to be sent on a connection, as a test looks at it. */
import type { HeldFds } from '../../../../src/broker/held-fds.js';
import type { Connection } from '../../../../src/server/wayland/connection.js';

export interface NextPacket {
  readonly bytes: Buffer;
  readonly held: HeldFds | null;
}

/** The first packet; undefined where nothing waits. */
export function nextPacket({ output }: Connection): NextPacket | undefined {
  const [packet] = output.packets;
  if (packet === undefined) return undefined;
  return { bytes: Buffer.from(output.pending().subarray(0, packet.length)), held: packet.held };
}
