// Why: a guest runs in User-Mode Linux (uml.ts) or in QEMU (qemu.ts). What a session needs of either is
// said here: a process, its console, and four streams (sockets that the process inherits, so that
// there is neither a folder nor a file to clean up).
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { Camera } from './camera.js';
import { spawnBound } from './children.js';
import { beganOn } from './cpus.js';
import type { GuestImage } from './image.js';
import type { FastKernel } from './kernel.js';

/** How a guest runs: User-Mode Linux, or QEMU with KVM or with its own emulation of a CPU. */
export type MachineKind = 'uml' | 'kvm' | 'tcg';

/** A kind of machine with all that it takes to start one. */
export type Host =
  | { readonly kind: 'uml'; readonly image: GuestImage; readonly kernel: FastKernel }
  | { readonly kind: 'kvm' | 'tcg'; readonly image: GuestImage };

export interface MachineOptions {
  readonly memoryMegabytes: number;
  /** systemd is process 1, and the command a service of it. */
  readonly systemd: boolean;
  /** Of QEMU's. */
  readonly cpus: number;
  /** Set apart as contiguous memory (CMA), of which the kernel makes DMA heaps: User-Mode Linux alone; none where it is 0. */
  readonly contiguousMegabytes: number;
  /** QEMU's: with a display, which the guest can have photographed (camera.ts). */
  readonly display: boolean;
}

/** The streams, in the order of the descriptors that the process inherits from FIRST_DESCRIPTOR on. */
export const PORTS = ['console', 'control', 'stdout', 'stderr', 'stdin'] as const;
export const FIRST_DESCRIPTOR = 3;
/** And those after them of a machine with a display: the monitor, the guest's port, the picture's file. */
export const CAMERA_DESCRIPTORS = [0, 1, 2].map((i) => FIRST_DESCRIPTOR + PORTS.length + i);

export type Machine = { readonly process: ChildProcess; readonly camera?: Camera } & Readonly<
  Record<(typeof PORTS)[number], Duplex>
>;

export interface Placing {
  /** It runs on that one alone. */
  readonly cpu?: number | undefined;
  /** The file of its photographs, of which it has a copy. */
  readonly picture?: number | undefined;
}

/** Starts a guest's process. It dies with this thread; to end it before that, `endMachine`. */
export function spawnMachine(argv: readonly string[], { cpu, picture }: Placing = {}): Machine {
  const ports = PORTS.map(() => 'pipe' as const);
  const camera = picture === undefined ? [] : (['pipe', 'pipe', picture] as const);
  const stdio = ['ignore', 'pipe', 'pipe', ...ports, ...camera] as const;
  const kept = cpu === undefined ? [] : ['taskset', '--cpu-list', `${cpu}`];
  const child = spawnBound([...kept, ...argv], [...stdio], 'KILL', { ownGroup: true });
  if (cpu !== undefined && child.pid !== undefined) beganOn(child.pid, cpu);
  const streamOf = (descriptor: number): Duplex => {
    const stream = child.stdio[descriptor] as Duplex;
    stream.on('error', () => undefined); // the guest's end went away: `close` says so
    return stream;
  };
  const port = (name: (typeof PORTS)[number]) => streamOf(FIRST_DESCRIPTOR + PORTS.indexOf(name));
  const [monitor = -1, photo = -1, pictureThere = -1] = CAMERA_DESCRIPTORS;
  return {
    process: child,
    ...(picture === undefined
      ? {}
      : {
          camera: { monitor: streamOf(monitor), port: streamOf(photo), picture, pictureThere },
        }),
    console: port('console'),
    control: port('control'),
    stdout: port('stdout'),
    stderr: port('stderr'),
    stdin: port('stdin'),
  };
}

/**
 * Ends it, and what it has started: a process of the guest's that User-Mode Linux was just making is not
 * traced yet (PTRACE_O_EXITKILL), and would stay.
 */
export function endMachine({ process: child }: Machine): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
