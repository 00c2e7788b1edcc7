/**
 * What the broker needs of the world: memory, devices, time, randomness, the closing of fds, and
 * somebody to tell what has happened.
 */

import type { Clock } from '../memory/clock.js';
import type { BroughtPlane } from '../memory/plane.js';
import type { Done } from '../memory/result.js';
import type { Picture, Scanout } from '../memory/scanout.js';
import type { Allocation, CheckedSpec, Plan } from '../memory/source.js';
import type { BrokerBuffer, Client } from './buffer.js';
import type { OpenDevice } from './devices.js';
import type { Document } from './document.js';
import type { BrokerEvent } from './events.js';
import type { Random } from './id.js';
import type { LingeringWorld } from './lingering.js';
import type { TextWorld } from './long-texts.js';
import type { PoolWorld } from './pool/pool.js';
import type { Choice } from './request.js';
import type { Asker } from './turns.js';
import type { Workshop } from './works.js';

/** Memory that a client brings; the planes' fds are the broker's. */
export interface BroughtMemory {
  readonly spec: CheckedSpec;
  readonly planes: readonly BroughtPlane[];
  /** A device's UUID, or null for the main one. */
  readonly device: string | null;
}

/** Who asks is served in turn with others (turns.ts). */
export interface Surroundings extends Workshop, LingeringWorld, PoolWorld, TextWorld {
  /** Answers later, exactly once; the fds of an allocation become the broker's. */
  allocate(asker: Asker, choice: Choice, id: string, done: Done<Allocation>): void;
  /** What `allocate` would answer, without memory; answers later, exactly once. */
  plan(asker: Asker, choice: Choice, done: Done<Plan>): void;
  /**
   * Shows pictures of one size and format to the displays that may be asked; answers exactly once, if only that they
   * have said nothing. The fds stay the broker's, and open until then.
   */
  askDisplays(asker: Asker, pictures: readonly Picture[], done: (said: Scanout) => void): void;
  /** Opens one of `devices`. */
  openDevice: OpenDevice;
  /** Checks memory and imports it into its device; answers as `allocate` does. */
  importMemory(asker: Asker, brought: BroughtMemory, done: Done<Allocation>): void;
  /** Destroys what the source keeps for an allocation (its fds are closed by the broker). */
  free(allocation: Allocation): void;
  /**
   * Has what is known of a buffer, and its fds where its lifetime asks for it, outlive the daemon, and calls
   * `kept` when it may be answered: at once, or when the service manager has room. The buffer is new, or has
   * another lifetime.
   */
  keep(buffer: BrokerBuffer, kept: () => void): void;
  /** The same of a document that is to be published with the buffer; once what is known of that says so, the others go. */
  keepMetadata(buffer: BrokerBuffer, metadata: Document, kept: () => void): void;
  /** Where whoever sends the first answer notes that it has been sent (Packet.told); 0: nowhere. */
  toldAt(buffer: BrokerBuffer): number;
  /** What tells the process behind a pidfd from every other; null where the kernel does not say. */
  processName(pidfd: number): string | null;
  /** A pidfd of the process that has this number and is called so; null where there is none. */
  openProcess(pid: number, name: string): number | null;
  /** st_dev:st_ino of a dma_buf or memfd. */
  identity(fd: number): string;
  /** Whether the file can be written by this fd, which says so of the fd and not of the file. */
  isWritable(fd: number): boolean;
  /** Whether the process behind a pidfd has ended. */
  exited(pidfd: number): boolean;
  /** Told what has happened; must not call back into the broker. */
  report(event: BrokerEvent): void;
  /** Something that is shown of it is new: to be called after every change, or lists are wrong. */
  changed(record: BrokerBuffer | Client): void;
  /** It is listed no more. */
  gone(record: BrokerBuffer | Client): void;
  readonly clock: Clock;
  readonly random: Random;
}
