/**
 * The world that the broker's tests give it: allocations are answered when the test says so, time
 * stands still until it is moved, and every file descriptor is counted. An fd that is closed twice
 * or that was never given, and memory that is freed twice, throw at once.
 */
import type { Surroundings } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import { NO_CGROUP } from '../../../src/broker/cgroup.js';
import type { BrokerEvent } from '../../../src/broker/events.js';
import type { AllocationRequest, Choice } from '../../../src/broker/request.js';
import type { BroughtMemory } from '../../../src/broker/surroundings.js';
import type { Asker } from '../../../src/broker/turns.js';
import type { Peer } from '../../../src/broker/who.js';
import { checked } from '../../../src/memory/check-spec.js';
import type { DeviceState } from '../../../src/memory/device.js';
import { BrokerError, type Refusal } from '../../../src/memory/errors.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { Remaining, Remains } from '../../../src/memory/remains.js';
import type { Done, Result } from '../../../src/memory/result.js';
import type { Picture, Scanout } from '../../../src/memory/scanout.js';
import type {
  Allocation,
  BufferSpec,
  FormatOffer,
  ImageSpec,
  Plan,
  SourceName,
  SourceState,
} from '../../../src/memory/source.js';
import type { Work, WorkDone } from '../../../src/memory/work.js';
import { FakeClock } from '../../support/clock.js';

interface PendingWork {
  readonly asker: Asker;
  readonly work: Work;
  readonly done: Done<WorkDone>;
}

interface Pending {
  readonly choice: Choice;
  readonly id: string;
  readonly done: Done<Allocation>;
}

export interface PendingImport extends BroughtMemory {
  readonly done: Done<Allocation>;
}

/** What else may be known of an allocation. */
type Where = Partial<Pick<Allocation, 'device' | 'placement' | 'heaps' | 'identities' | 'faces'>>;

const FIRST_FD = 100;

export class FakeWorld implements Surroundings {
  /** fds that are open now. */
  readonly open = new Set<number>();
  /** Allocations that were asked for and not answered yet, oldest first. */
  readonly pending: Pending[] = [];
  /** Keys that were freed. */
  readonly freed = new Set<number>();
  /** What was reported, oldest first. */
  readonly events: BrokerEvent[] = [];
  readonly clock = new FakeClock();
  #lastFd = FIRST_FD;
  #lastKey = 0;
  #randomState = 1;

  report(event: BrokerEvent): void {
    this.events.push(event);
  }

  allocate(_asker: Asker, choice: Choice, id: string, done: Done<Allocation>): void {
    this.pending.push({ choice, id, done });
    if (this.immediate) this.answer(this.pending.length - 1);
  }

  /** Allocations are answered at once, as from the pool. */
  immediate = false;

  /** Spares that are being made: one at a time. */
  readonly preparing: Pending[] = [];
  /** Allocations that were answered from the pool, by source. */
  readonly fromPool: string[] = [];

  prepare(choice: Choice, id: string, done: Done<Allocation>): void {
    if (!this.idle()) throw new Error('a spare is made while somebody waits');
    this.preparing.push({ choice, id, done });
  }

  idle(): boolean {
    const waiting = [this.pending, this.preparing, this.imports, this.works, this.opening];
    return waiting.every(({ length }) => length === 0);
  }

  served(source: SourceName): void {
    this.fromPool.push(source);
  }

  /** Bytes that a plan may have at most. */
  planLimit = 2 ** 40;
  plans = 0;
  /** What the driver's layout takes beyond the size that was asked for. */
  overhead = 0;

  /** Answered at once: linear memory, up to the limit. */
  plan(_asker: Asker, { source, handleType, spec }: Choice, done: Done<Plan>): void {
    this.plans++;
    const size = spec.kind === 'buffer' ? spec.size : spec.width * spec.height * 4;
    if (size > this.planLimit) {
      const refusal: Refusal = {
        constraint: 'size',
        requested: size,
        possible: { max: this.planLimit },
      };
      done({ error: new BrokerError('too_large', 'the fake source has a limit', refusal) });
      return;
    }
    const stride = spec.kind === 'buffer' ? 0 : spec.width * 4;
    const planes = [{ memory: 0, offset: 0, stride }];
    const modifier = spec.kind === 'buffer' ? null : (spec.modifiers[0] ?? null);
    const placement = ['host_visible'];
    const memories = [size + this.overhead];
    done({ source, handleType, memories, modifier, planes, placement });
  }

  /** Imports that were asked for and not answered yet. */
  readonly imports: PendingImport[] = [];

  importMemory(_asker: Asker, brought: BroughtMemory, done: Done<Allocation>): void {
    this.imports.push({ ...brought, done });
  }

  /** What displays were shown and have not answered yet, oldest first. */
  readonly shown: {
    readonly pictures: readonly Picture[];
    readonly done: (said: Scanout) => void;
  }[] = [];

  askDisplays(_asker: Asker, pictures: readonly Picture[], done: (said: Scanout) => void): void {
    this.shown.push({ pictures, done });
  }

  /** Devices that are being opened, oldest first. */
  readonly opening: {
    readonly uuid: string;
    readonly done: Done<DeviceState>;
  }[] = [];

  openDevice(uuid: string, done: Done<DeviceState>): void {
    this.opening.push({ uuid, done });
  }

  /** Answers the oldest one. */
  answerOpen(result: Result<DeviceState>): void {
    const pending = this.opening.shift();
    if (pending === undefined) throw new Error('no device is being opened');
    pending.done(result);
  }

  /** Answers the oldest pending import: it is good, and its fds stay what they are. */
  answerImport(where: Where = {}): Allocation {
    const pending = this.imports.shift();
    if (pending === undefined) throw new Error('no import is pending');
    const { spec, planes, device, done } = pending;
    const allocation: Allocation = {
      source: 'import',
      handleType: 'dma_buf',
      key: ++this.#lastKey,
      ...(device !== null && { device }),
      memories: planes.map(() => 4096),
      size: 4096 * planes.length,
      modifier: spec.kind === 'image' ? (spec.modifiers[0] ?? null) : null,
      placement: [],
      planes: planes.map((plane, memory) => ({ ...plane, memory })),
      exporter: 'test',
      check: { how: 'layout', reason: 'no device' },
      ...where,
    };
    done(allocation);
    return allocation;
  }

  /** Work that was asked for and not answered yet. */
  readonly works: PendingWork[] = [];

  work(asker: Asker, work: Work, done: Done<WorkDone>): void {
    this.works.push({ asker, work, done });
  }

  /** Answers the oldest pending work; a read with a new fd. */
  answerWork(error?: BrokerError): Work {
    const pending = this.works.shift();
    if (pending === undefined) throw new Error('no work is pending');
    const { work, done } = pending;
    const content = () => ({ fd: this.openFd(), size: work.kind === 'read' ? work.size : 0 });
    done(error ? { error } : { path: 'cpu', content: work.kind === 'read' ? content() : null });
    return work;
  }

  /** Who holds released memory, by the allocation's key; otherwise nobody does. */
  readonly held = new Map<number, Remaining>();
  /** pidfds of processes that have ended. */
  readonly ended = new Set<number>();
  /** How often released memory was looked at. */
  looks = 0;

  remains({ key }: Allocation, fds: readonly number[]): Remains {
    return {
      look: () => {
        this.looks++;
        return this.held.get(key) ?? 'gone';
      },
      close: () => {
        for (const fd of fds) this.closeFd(fd);
      },
    };
  }

  /** Of dma_bufs: by default all tests' kernel is one that knows better than to count. */
  told: ReturnType<Surroundings['tells']> = 'gone';

  tells({ handleType }: Allocation): ReturnType<Surroundings['tells']> {
    if (handleType === 'dma_buf') return this.told;
    return handleType === 'memfd' ? 'gone' : 'unknown';
  }

  /** Sweeps that were asked for and not answered yet: identities of each. */
  readonly sweeps: (readonly string[])[] = [];

  sweep(identities: readonly string[]): void {
    this.sweeps.push(identities);
  }

  /** Of fds that are other files than their numbers say. */
  readonly identities = new Map<number, string>();

  identity(fd: number): string {
    return this.identities.get(fd) ?? `0:${fd}`;
  }

  /** fds that were opened for reading alone. */
  readonly readOnly = new Set<number>();

  isWritable(fd: number): boolean {
    return !this.readOnly.has(fd);
  }

  /** Buffers that are to outlive the daemon and wait for the service manager; null: it has room. */
  keeping: (() => void)[] | null = null;

  keep(_buffer: BrokerBuffer, kept: () => void): void {
    if (this.keeping === null) kept();
    else this.keeping.push(kept);
  }

  /** Documents of revisions that wait likewise; null: there is room. */
  keepingMetadata: (() => void)[] | null = null;

  keepMetadata(_buffer: BrokerBuffer, _metadata: unknown, kept: () => void): void {
    if (this.keepingMetadata === null) kept();
    else this.keepingMetadata.push(kept);
  }

  toldAt(): number {
    return 0;
  }

  processName(pidfd: number): string {
    return `process of ${pidfd}`;
  }

  /** Processes that are there after a restart, by name. */
  readonly processes = new Map<string, number>();

  openProcess(_pid: number, name: string): number | null {
    return this.processes.get(name) ?? null;
  }

  exited(pidfd: number): boolean {
    if (!this.open.has(pidfd)) throw new Error(`pidfd ${pidfd} is not open`);
    return this.ended.has(pidfd);
  }

  pass(milliseconds: number): void {
    this.clock.pass(milliseconds);
  }

  /** A client's fd, open from now on. */
  openFd(): number {
    const fd = ++this.#lastFd;
    this.open.add(fd);
    return fd;
  }

  /** Texts that were made, by fd. */
  readonly texts = new Map<number, string>();
  /** No descriptor is left for another one. */
  outOfFds = false;

  sealText(text: string): number {
    if (this.outOfFds) throw Object.assign(new Error('memfd_create'), { code: 'EMFILE' });
    const fd = this.openFd();
    this.texts.set(fd, text);
    return fd;
  }

  sealedText(fd: number): string {
    const text = this.texts.get(fd);
    if (text === undefined) throw new Error(`fd ${fd} is no text`);
    return text;
  }

  free({ key }: Allocation): void {
    if (this.freed.has(key)) throw new Error(`key ${key} is freed twice`);
    this.freed.add(key);
  }

  /** Who keeps a copy of what is shown of the registry. */
  observer: Pick<Surroundings, 'changed' | 'gone'> | null = null;

  changed(record: BrokerBuffer | Client): void {
    this.observer?.changed(record);
  }

  gone(record: BrokerBuffer | Client): void {
    this.observer?.gone(record);
  }

  closeFd(fd: number): void {
    if (!this.open.delete(fd)) throw new Error(`fd ${fd} is closed and was not open`);
  }

  /** Different each time, the same in every run (a linear congruential generator). */
  readonly random = (bytes: Uint8Array): void => {
    for (const i of bytes.keys()) {
      this.#randomState = (Math.imul(this.#randomState, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[i] = this.#randomState >>> 24;
    }
  };

  #takePending(index: number, from = this.pending): Pending {
    const [pending] = from.splice(index, 1);
    if (pending === undefined) throw new Error('nothing is pending');
    return pending;
  }

  /** Answers a pending allocation with memory; `fds` fds, one a plane; `where` in a device. */
  answer(index = 0, fds = 1, where: Where = {}): Allocation {
    return this.#answer(this.#takePending(index), fds, where);
  }

  /** Answers the spare that is being made. */
  answerSpare(fds = 1, where: Where = {}): Allocation {
    return this.#answer(this.#takePending(0, this.preparing), fds, where);
  }

  refuseSpare(error: BrokerError): void {
    this.#takePending(0, this.preparing).done({ error });
  }

  #answer({ choice, done }: Pending, fds: number, where: Where): Allocation {
    const planes = Array.from({ length: fds }, (_, memory) => {
      const fd = ++this.#lastFd;
      this.open.add(fd);
      return { fd, memory, offset: memory * 4096, stride: 64 };
    });
    const { spec } = choice;
    const size =
      this.overhead + (spec.kind === 'buffer' ? spec.size : spec.width * spec.height * 4);
    const part = Math.floor(size / fds);
    const allocation: Allocation = {
      source: choice.source,
      handleType: choice.handleType,
      key: ++this.#lastKey,
      ...(choice.device !== undefined && { device: choice.device }),
      memories: planes.map(({ memory }) => (memory === 0 ? size - part * (fds - 1) : part)),
      size,
      modifier: spec.kind === 'buffer' ? null : (spec.modifiers[0] ?? null),
      placement: ['host_visible'],
      planes,
      exporter: null,
      ...where,
    };
    done(allocation);
    return allocation;
  }

  /** Answers a pending allocation with a refusal of the source. */
  refuse(error: BrokerError, index = 0): void {
    this.#takePending(index).done({ error });
  }
}

export const peer: Peer = {
  pid: 10,
  uid: 1000,
  gid: 1000,
  groups: [1000],
  executable: 'test',
  ...NO_CGROUP,
};

export const memfd: SourceState = {
  name: 'memfd',
  handleType: 'memfd',
  usable: true,
  reason: 'for tests',
};

export const offers: readonly FormatOffer[] = [
  {
    format: fourcc('XR24'),
    modifier: MOD_LINEAR,
    planes: 1,
    source: 'memfd',
    handleType: 'memfd',
    made: 'layout',
  },
];

export const linear = checked<BufferSpec>({ kind: 'buffer', size: 4096, usage: 4 });

export const image = checked<ImageSpec>({
  kind: 'image',
  width: 640,
  height: 480,
  format: fourcc('XR24'),
  modifiers: [MOD_LINEAR],
  usage: 4,
});

/** A request that the memfd source serves. */
export function request(changes: Partial<AllocationRequest> = {}): AllocationRequest {
  return { spec: linear, handleTypes: ['memfd'], lifetime: 'connection', name: null, ...changes };
}

const SECOND = '0123456789abcdef0123456789abcdef';

/** A device beside the main one, not open yet; and what becomes of it. */
export const second: DeviceState = { uuid: SECOND, name: 'Second', table: null, problem: null };
export const secondOpen: DeviceState = {
  ...second,
  table: {
    sources: (['dma_buf', 'opaque_fd'] as const).map((handleType) => ({
      name: 'vulkan',
      handleType,
      usable: true,
      reason: 'Second',
    })),
    offers: [
      {
        format: fourcc('XR24'),
        modifier: MOD_LINEAR,
        planes: 1,
        source: 'vulkan',
        handleType: 'dma_buf',
        made: 'image',
      },
    ],
  },
};
