/**
 * What REST's operations are tested on: the real broker and the data plane's own answers, in a world in
 * which memory is made of numbers (broker/support/world.ts) and exports memfd only, as on a machine without
 * a Vulkan device. It copies what it answers, as a message between threads does, and can be told to fail,
 * to hang, or to say something that the world cannot be brought to.
 */
import { encode } from 'fast-png';
import { Broker } from '../../../../src/broker/broker.js';
import type { Client } from '../../../../src/broker/buffer.js';
import { NO_CGROUP } from '../../../../src/broker/cgroup.js';
import { Policy } from '../../../../src/broker/policy.js';
import type { Choice } from '../../../../src/broker/request.js';
import type { Asker } from '../../../../src/broker/turns.js';
import type { Peer } from '../../../../src/broker/who.js';
import { after } from '../../../../src/memory/clock.js';
import type { DeviceState } from '../../../../src/memory/device.js';
import { BrokerError, fromMessage } from '../../../../src/memory/errors.js';
import { fourcc } from '../../../../src/memory/fourcc.js';
import type { Done } from '../../../../src/memory/result.js';
import type { Allocation, FormatOffer, SourceState } from '../../../../src/memory/source.js';
import type { BufferInfo } from '../../../../src/rest/contract.js';
import type { RestWorld } from '../../../../src/server/http/world.js';
import { Mirror } from '../../../../src/server/lists/mirror.js';
import type { ProcessInfo } from '../../../../src/server/machine/proc.js';
import type { Sweep } from '../../../../src/server/observe/holders/sweep.js';
import { Growth } from '../../../../src/server/observe/leaks/growth.js';
import { answer } from '../../../../src/server/plane/answer.js';
import { Journal } from '../../../../src/server/plane/journal.js';
import { operations } from '../../../../src/server/plane/operations.js';
import { questions } from '../../../../src/server/plane/questions.js';
import { bufferView } from '../../../../src/server/plane/views.js';
import type { PlaneMessage } from '../../../../src/server/words/messages.js';
import type { PlaneMetrics } from '../../../../src/server/words/metrics.js';
import type { QuestionName, Questions } from '../../../../src/server/words/questions.js';
import type { Requester } from '../../../../src/server/words/requester.js';
import { FakeWorld, memfd, offers } from '../../../broker/support/world.js';

export const FAKE_LIMITS = { size: 2 ** 32, dimension: 16_384 };

export const NOTHING_COUNTED: PlaneMetrics = {
  allocations: [],
  refusals: {},
  turns: { counts: [], sum: 0 },
  allocationTimes: {},
  clients: 0,
  pendingAllocations: 0,
  queuedBytes: 0,
  unprovenBytes: 0,
  kept: null,
  pool: { hits: 0, misses: 0, bytes: 0, spares: 0 },
  clientFds: { used: 0, limit: 0 },
  protocolObjects: { used: 0, limit: 0 },
  quotas: [],
};

const vulkan: SourceState = {
  name: 'vulkan',
  handleType: 'dma_buf',
  usable: false,
  reason: 'there is no device',
};

const both: readonly FormatOffer[] = [
  ...offers.map((offer) => ({ ...offer, format: fourcc('AR24') })),
  ...offers,
];

/** Answers at once, and has a source that makes no more than FAKE_LIMITS. */
class Memory extends FakeWorld {
  override immediate = true;

  override allocate(asker: Asker, choice: Choice, id: string, done: Done<Allocation>): void {
    const { spec } = choice;
    const { size, dimension } = FAKE_LIMITS;
    const sizes =
      spec.kind === 'buffer'
        ? ([['size', spec.size, size]] as const)
        : ([
            ['width', spec.width, dimension],
            ['height', spec.height, dimension],
          ] as const);
    for (const [constraint, requested, possible] of sizes) {
      if (requested <= possible) continue;
      const message = `${constraint} may be ${possible} at most`;
      done({ error: new BrokerError('too_large', message, { constraint, requested, possible }) });
      return;
    }
    super.allocate(asker, choice, id, done);
  }
}

const all = { ...operations, ...questions };

type Dictated = { [Q in QuestionName]?: () => Questions[Q]['answer'] };

export class FakeDaemon implements RestWorld {
  readonly memory = new Memory();
  readonly clock = this.memory.clock;
  readonly broker: Broker;
  /** Questions that a test answers itself. */
  readonly dictated: Dictated = {};
  /** The questions that were asked, with who asks and the user to whose things it was held. */
  readonly asked: {
    question: QuestionName;
    parameters: unknown;
    by: Requester | null;
    only: number | null;
  }[] = [];
  /** Thrown at the next question, whatever it is. */
  failure: unknown;
  /** Whether questions are never answered. */
  hangs = false;
  readonly version = '0.0.0';
  starts: number | null = null;
  readonly lost = () => new Map();
  readonly state: RestWorld['state'] = { problem: null };
  readonly logLevels: RestWorld['logLevels'] = { level: 'info' };
  readonly audit = { acted: () => {}, held: false };
  readonly fallback: RestWorld['fallback'] = ['dma-heap:system'];
  readonly regionMemory: RestWorld['regionMemory'] = () => null;
  policy: RestWorld['policy'] = () => new Policy(null);
  readonly leaks = {
    config: { forgottenAfterSeconds: 3600, sampleSeconds: 60 },
    growth: new Growth(),
    last: null as Sweep | null,
  };
  swept: Sweep = {
    holders: new Map(),
    own: new Map(),
    unreadable: 0,
    unread: new Set(),
    hidden: false,
    inFlight: new Map(),
    scannedAt: this.clock.now(),
  };
  readonly sweeper = { sweep: async () => this.swept };
  readonly #mirror = new Mirror();
  readonly #journal: Journal;
  #posted: PlaneMessage[] = [];
  #seq = 0;

  constructor(devices: readonly DeviceState[] = []) {
    // What was made just now is not older than the test.
    this.memory.clock.setDate(Date.now() - this.clock.today);
    const post = (message: PlaneMessage) => void this.#posted.push(structuredClone(message));
    this.broker = new Broker(this.memory, { sources: [vulkan, memfd], offers: both, devices });
    this.#journal = new Journal(() => this.broker, this.clock, post);
    this.memory.observer = this.#journal;
  }

  // ---- the data plane ------------------------------------------------------------------------------

  readonly plane: RestWorld['plane'] = {
    ask: async (question, parameters, by = null, only = null) => {
      this.asked.push({ question, parameters, by, only });
      await this.#before();
      const dictated = this.dictated[question];
      if (dictated !== undefined) return structuredClone(dictated());
      const seq = ++this.#seq;
      const world = {
        broker: this.broker,
        journal: this.#journal,
        connections: {
          disconnect: (client: Client) => this.broker.disconnect(client, null),
          hold: () => {},
        },
        waits: new Map(),
        setDisplays: () => {},
        measured: () => NOTHING_COUNTED,
        shutDown: () => {},
        post: (message: PlaneMessage) => void this.#posted.push(structuredClone(message)),
      };
      answer(world, all, structuredClone({ seq, question, parameters, by, only }) as never);
      while (this.#journal.behind) this.#journal.run();
      for (const message of this.#posted.splice(0)) {
        if (message.kind === 'changes') this.#mirror.apply(message.changes);
        if (message.kind === 'refusal') throw refusalOf(message);
        if (message.kind === 'answer' && message.seq === seq) return message.value as never;
      }
      throw new Error(`${question} was not answered`);
    },
    mirror: async () => {
      await this.plane.ask('catchUp', null);
      return this.#mirror;
    },
  };

  async #before(): Promise<void> {
    if (this.hangs) return new Promise(() => {});
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Somebody connects to the client socket. */
  connect(peer: Peer): Client {
    return this.broker.connect(peer);
  }

  /** The buffers that there are, as they are shown. */
  get buffers(): BufferInfo[] {
    return [...this.broker.buffers].map((buffer) => bufferView(this.broker, buffer));
  }

  /** A record that main's lists have, whatever the registry says. */
  async lists(buffer: BufferInfo): Promise<void> {
    (await this.plane.mirror()).buffers.set(buffer);
  }

  /** A process has had one memory more at each look, and was last looked at now. */
  grows(process: Pick<ProcessInfo, 'pid' | 'uid' | 'executable'>, from: number, to: number): void {
    const startedAt = this.clock.today - (to - from) * 60_000;
    const holder = { ...process, ...NO_CGROUP, startedAt, startTicks: '1', fds: 1, mappings: 0 };
    const since = this.clock.now();
    for (let memories = from; memories <= to; memories++) {
      const identities = Array.from({ length: memories }, (_, i) => `0:${i}`);
      this.leaks.last = {
        ...this.swept,
        holders: new Map(identities.map((identity) => [identity, [holder]])),
        own: new Map(identities.map((identity) => [identity, { fds: 1, mappings: 0 }])),
        scannedAt: after(since, (memories - to) * 60_000),
      };
      this.leaks.growth.sample(this.leaks.last);
    }
  }

  // ---- the other threads ---------------------------------------------------------------------------

  #device: Awaited<ReturnType<RestWorld['allocator']['device']>> = null;
  #listed: Awaited<ReturnType<RestWorld['allocator']['devices']>> = [];

  /** The machine has these Vulkan devices. */
  has(listed: typeof this.devices, main = this.#device): void {
    this.#listed = listed;
    this.#device = main;
  }

  get devices() {
    return this.#listed;
  }

  readonly allocator: RestWorld['allocator'] = {
    device: async () => {
      await this.#before();
      return this.#device;
    },
    devices: async () => this.#listed,
    ping: async () => {},
    inventory: {
      device: null,
      cudaBytes: 0,
      sources: [vulkan, memfd],
      offers: both,
      devices: [],
      listed: [],
      foreseen: new Map(),
    },
  };

  readonly resolver: RestWorld['resolver'] = { ask: async () => [] };

  readonly previews: RestWorld['previews'] = {
    render: async (_user, read, _terms, _done) => {
      await read();
      return encode({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 4) });
    },
    ping: async () => {},
  };

  readonly quotas: RestWorld['quotas'] = {
    warning: null,
    rules: new Map(),
    set: async (id, rule) => {
      const rules = this.quotas.rules as Map<typeof id, NonNullable<typeof rule>>;
      if (rule === null) rules.delete(id);
      else rules.set(id, rule);
    },
  };

  settings: RestWorld['settings'] = {
    report: {
      file: '/etc/dmabroker/dmabroker.toml',
      read_at: '2026-11-20T08:15:30.000Z',
      error: null,
      state_folder: '/var/lib/dmabroker',
      settings: [
        {
          key: 'rest.rate_limit',
          value: 7,
          from: 'file',
          line: 2,
          after_restart: { value: 10_000, from: 'default', line: null },
        },
      ],
      tokens: [],
    },
  };
}

/** As main makes errors of what the data plane refuses (threads/data-plane.ts). */
function refusalOf({ error }: Extract<PlaneMessage, { kind: 'refusal' }>): Error {
  return error.defect === undefined ? fromMessage(error) : new Error(error.defect);
}
