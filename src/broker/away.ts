/**
 * Buffers whose memory is with their clients alone, after a restart of the daemon: it was bound to a
 * connection, so that nobody kept it here. Whoever has it can bring it (adoption.ts).
 */
import { BrokerError } from '../memory/errors.js';
import { HeldFds } from './held-fds.js';

/** The daemon was restarted, and nobody has brought the memory of this one yet. */
export const isAway = (id: string): BrokerError =>
  new BrokerError(
    'busy',
    `the memory of ${id} is with its clients alone, of whom none has come back yet`,
    {
      constraint: 'state',
      requested: 'live',
    },
  );

/** What is held of one. */
export const nothingHeld = (): HeldFds => new HeldFds([], () => {});
