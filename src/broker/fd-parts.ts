/**
 * How the process's file descriptors (RLIMIT_NOFILE) are divided, so that what clients have of them never
 * takes those that the daemon needs itself. Each part has its own rule for users: quotas for buffers,
 * fair-pool.ts for connections.
 */

/**
 * For nobody's share: the threads' own (about 60), REST's connections (64, over TCP as many more), and what
 * one turn of the data plane receives before it is charged (309; TURN_FDS in shim/dmabroker.c).
 */
const RESERVE = 512;

export interface FdParts {
  /** The memories of buffers. */
  readonly buffers: number;
  /** Connections, and what clients have sent until a buffer has it. */
  readonly clients: number;
  /** pidfds of processes that are watched after they have disconnected. */
  readonly pastProcesses: number;
  /** On their way to clients: the kernel counts these beside the others, to as many as there may be (unix(7)). */
  readonly inFlight: number;
}

/**
 * What is left, a sixteenth, is nobody's. Answers to reads are charged as buffers are. The reserve has room for what
 * clients have beyond their part while they are being refused (`FairPool.overdrawn`).
 */
export function fdParts(maxFds: number): FdParts {
  const shared = maxFds - Math.min(RESERVE, Math.floor(maxFds / 4));
  return {
    buffers: Math.floor((shared * 3) / 4),
    clients: Math.floor(shared / 8),
    pastProcesses: Math.floor(shared / 16),
    inFlight: Math.floor(maxFds / 2),
  };
}
