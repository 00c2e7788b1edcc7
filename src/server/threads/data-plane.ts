/**
 * The main thread's side of the other two: starts the allocator and the data plane, and turns
 * their messages into promises for REST. `threads` is the folder of main.js, beside which the
 * threads' own files stand, compiled or bundled.
 *
 * Owns: both workers, the eventfd.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Clock } from '../../memory/clock.js';
import type { DeviceDescription, ListedDevice } from '../../memory/device.js';
import { type ErrorMessage, fromMessage } from '../../memory/errors.js';
import type { LogLevel } from '../../memory/log-level.js';
import { close } from '../../native/libc/fd.js';
import { eventfd, wake } from '../../native/step.js';
import { Mirror } from '../lists/mirror.js';
import type { AuditNote } from '../words/audit.js';
import { EventReader } from '../words/event-reader.js';
import { type EventBatch, eventMemory } from '../words/event-rows.js';
import { auditNote, eventDraft } from '../words/events.js';
import type {
  AllocatorReady,
  AllocatorSetup,
  DeviceAnswer,
  DeviceQuestion,
  EventDraft,
  Inventory,
  PlaneMessage,
  PlaneSetup,
} from '../words/messages.js';
import type { Question, QuestionName, Questions } from '../words/questions.js';
import type { Requester } from '../words/requester.js';
import { ALLOCATOR_LIMITS, PLANE_LIMITS, withRoom } from './young.js';

interface Events {
  log(level: LogLevel, text: string, fields: object, by?: string): void;
  /** What has happened, oldest first. */
  happened(events: readonly EventDraft[]): void;
  /** Those of them that are acts. */
  acted(notes: readonly AuditNote[]): void;
  /** A thread has died; the daemon cannot go on. */
  fatal(error: Error): void;
}

export interface PlaneEvents extends Events {
  /** Of the dates in events' words. */
  readonly clock: Clock;
  /** Whether an audit is kept. */
  readonly audited: boolean;
  /** All processes are to be looked at, for these memories. */
  sweep(identities: readonly string[]): void;
  /** Who keeps fds for the daemon beside the service manager; null: nobody now. */
  keeper(pid: number | null): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The allocator thread, once it has probed the memory sources. */
export class Allocator {
  readonly #waiting = new Map<number, (answer: DeviceAnswer) => void>();
  #seq = 0;
  /** It ends by itself when the data plane has closed its end of the channel. */
  readonly ended: Promise<void>;

  private constructor(
    private readonly worker: Worker,
    /** As of now: it changes when the device is lost. */
    public inventory: Inventory,
    readonly wakeFd: number,
    /** The data plane's end of the channel to it. */
    readonly port: MessageChannel['port2'],
  ) {
    // From the start: the event comes once, and perhaps before anybody waits for it.
    this.ended = new Promise((resolve) => worker.once('exit', () => resolve()));
  }

  static start(threads: URL, device: string | null, events: Events): Promise<Allocator> {
    const wakeFd = eventfd();
    const { port1, port2 } = new MessageChannel();
    const setup: AllocatorSetup = { device, wake: wakeFd };
    const worker = new Worker(new URL('allocator/main.js', threads), {
      workerData: { setup, port: port1 },
      transferList: [port1],
      resourceLimits: ALLOCATOR_LIMITS,
      // fds change threads here, and each has a stated owner: Node's bookkeeping would only warn.
      trackUnmanagedFds: false,
    });
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        port2.close();
        close(wakeFd);
        reject(error);
      };
      const ended = () => failed(new Error('the allocator ended before it was ready'));
      worker.once('exit', ended);
      worker.once('message', (ready: AllocatorReady) => {
        worker.off('error', reject);
        worker.off('exit', ended);
        worker.on('error', events.fatal);
        const allocator = new Allocator(worker, ready.inventory, wakeFd, port2);
        worker.on('message', (message: DeviceAnswer | { inventory: Inventory }) => {
          if ('inventory' in message) allocator.inventory = message.inventory;
          else allocator.#answer(message);
        });
        resolve(allocator);
      });
      // `exit` follows.
      worker.once('error', reject);
    });
  }

  /** The main device as it is now, heap budgets included. */
  async device(): Promise<DeviceDescription | null> {
    const answer = await this.#ask('main');
    return 'device' in answer ? answer.device : null;
  }

  /** All devices as they are now. */
  async devices(): Promise<readonly ListedDevice[]> {
    const answer = await this.#ask('all');
    return 'devices' in answer ? answer.devices : [];
  }

  /** Resolves when the thread answers. */
  async ping(): Promise<void> {
    await this.#ask('nothing');
  }

  #ask(about: DeviceQuestion['about']): Promise<DeviceAnswer> {
    const seq = ++this.#seq;
    return new Promise((resolve) => {
      this.#waiting.set(seq, resolve);
      this.worker.postMessage({ seq, about } satisfies DeviceQuestion);
    });
  }

  #answer(answer: DeviceAnswer): void {
    this.#waiting.get(answer.seq)?.(answer);
    this.#waiting.delete(answer.seq);
  }

  /** For a daemon that ends before it has a data plane. */
  async close(): Promise<void> {
    this.port.close();
    await this.ended;
    close(this.wakeFd);
  }
}

export class DataPlane {
  readonly #waiting = new Map<number, Waiting>();
  readonly #port: MessageChannel['port1'];
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #mirror = new Mirror();
  readonly #reader: EventReader;
  /** The question for changes that is under way, and the one that will be asked after it. */
  #catchingUp: Promise<void> | null = null;
  #nextCatchUp: Promise<void> | null = null;
  #seq = 0;

  /** Takes the listening socket, for its thread. */
  constructor(
    threads: URL,
    private readonly allocator: Allocator,
    listener: number,
    start: Omit<PlaneSetup, 'listener' | 'wake' | 'inventory' | 'events'>,
    private readonly events: PlaneEvents,
  ) {
    const { port1, port2 } = new MessageChannel();
    const { inventory, wakeFd } = allocator;
    const memory = eventMemory();
    this.#reader = new EventReader(memory, () => wake(wakeFd));
    const setup: PlaneSetup = { listener, wake: wakeFd, inventory, events: memory, ...start };
    this.#port = port1;
    this.#port.on('message', (message: PlaneMessage) => this.#take(message));
    this.#worker = withRoom(
      () =>
        new Worker(new URL('plane/main.js', threads), {
          workerData: { setup, control: port2, allocator: allocator.port },
          transferList: [port2, allocator.port],
          resourceLimits: PLANE_LIMITS,
          trackUnmanagedFds: false,
        }),
    );
    this.#worker.on('error', events.fatal);
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  /**
   * `by`: who asks over REST; `only`: the user whose things alone it may be about. Rejects with a
   * BrokerError where the data plane refuses.
   */
  ask<Q extends QuestionName>(
    question: Q,
    parameters: Questions[Q]['parameters'],
    by: Requester | null = null,
    only: number | null = null,
  ): Promise<Questions[Q]['answer']> {
    const seq = ++this.#seq;
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve: resolve as (value: unknown) => void, reject });
      this.#port.postMessage({ seq, question, parameters, by, only } satisfies Question<Q>);
      wake(this.allocator.wakeFd);
    });
  }

  /** The registry as it is now, or a moment later: with everything that was answered until now. */
  async mirror(): Promise<Mirror> {
    await this.#catchUp();
    return this.#mirror;
  }

  /** However many wait, one question is under way at a time: the data plane is not flooded. */
  #catchUp(): Promise<void> {
    if (this.#catchingUp !== null) {
      this.#nextCatchUp ??= this.#catchingUp.then(() => {
        this.#nextCatchUp = null;
        return this.#catchUp();
      });
      return this.#nextCatchUp;
    }
    this.#catchingUp = this.ask('catchUp', null).then(() => {
      this.#catchingUp = null;
    });
    return this.#catchingUp;
  }

  #take(message: PlaneMessage): void {
    if (message.kind === 'changes') {
      this.#mirror.apply(message.changes);
      return;
    }
    if (message.kind === 'log') {
      this.events.log(message.level, message.text, message.fields, message.by);
      return;
    }
    if (message.kind === 'events') {
      this.#tell(message);
      return;
    }
    if (message.kind === 'sweep') {
      this.events.sweep(message.identities);
      return;
    }
    if (message.kind === 'keeper') {
      this.events.keeper(message.pid);
      return;
    }
    const waiting = this.#waiting.get(message.seq);
    this.#waiting.delete(message.seq);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(asError(message.error));
  }

  #tell(batch: EventBatch): void {
    const { clock } = this.events;
    const drafts: EventDraft[] = [];
    const notes: AuditNote[] = [];
    this.#reader.read(batch, (told, time) => {
      drafts.push(eventDraft(told, time, clock));
      const note = this.events.audited ? auditNote(told, time) : null;
      if (note !== null) notes.push(note);
    });
    this.events.happened(drafts);
    this.events.acted(notes);
  }

  /** Ends both threads: connections are closed, buffers released, the device destroyed. */
  async close(): Promise<void> {
    await this.ask('shutDown', null);
    await this.#ended;
    this.#port.close();
    await this.allocator.ended;
    close(this.allocator.wakeFd);
  }
}

/** A defect's stack goes to the log as an Error of its own; a refusal stays a BrokerError. */
export function asError(error: ErrorMessage): Error {
  return error.defect === undefined ? fromMessage(error) : new Error(error.defect);
}
