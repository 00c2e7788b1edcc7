/**
 * Sessions over Connections without a socket or a daemon, thousands of requests a second: several clients
 * of one registry, whose world (test/broker/support/world.ts) answers when chance wants it to. When all have
 * left, nothing may be left of them.
 */
import { isDeepStrictEqual } from 'node:util';
import { BrokerError } from '../../src/memory/errors.js';
import { fourcc, MOD_LINEAR } from '../../src/memory/fourcc.js';
import { checkImport } from '../../src/memory/import.js';
import type { FdKind } from '../../src/native/kind.js';
import { dmabufGlobal } from '../../src/server/wayland/dmabuf.js';
import { type PendingImport, peer, secondOpen } from '../broker/support/world.js';
import { Bench } from '../server/wayland/support/bench.js';
import { nextPacket } from '../server/wayland/support/packets.js';
import { Random } from '../support/random.js';
import type { Heard } from './heard.js';
import type { Wish } from './message.js';
import type { Piece } from './mutate.js';
import { Fault, type Line, Session } from './session.js';
import type { Tally } from './tally.js';

const KINDS: readonly FdKind[] = [
  'dma_buf',
  'dma_buf',
  'dma_buf',
  'memfd',
  'sync_file',
  'device',
  'path',
  'other',
  'unasked',
];
/** Sessions of one registry, and how many of them at a time. */
const SESSIONS = 12;
const AT_A_TIME = 3;
/** A lease that is as long as it may be has ended, and so has every time to wait after it. */
const LONG_MS = 200_000_000;
const TURNS = 1000;

const formats = dmabufGlobal(2, [{ format: fourcc('XR24'), modifier: MOD_LINEAR }], null);

/** Why an importer would not take it, where each plane has a memory of its own that is large enough. */
function importError(pending: PendingImport | undefined): BrokerError | null {
  if (pending === undefined) return null;
  const { spec, planes } = pending;
  try {
    checkImport(spec, planes, Array(planes.length).fill(2 ** 32), [...planes.keys()]);
    return null;
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
}

/** What the allocator and the drivers do next, if there is anything. Returns false if not. */
function turn(random: Random, { world }: Bench): boolean {
  const requested = 'x'.repeat(random.below(4) === 0 ? 5000 : 1);
  const refusal = () =>
    new BrokerError('out_of_memory', 'by chance', { constraint: 'size', requested });
  const bad = random.below(8) === 0;
  const ways: (() => void)[] = [];
  if (world.pending.length > 0) {
    const index = random.below(world.pending.length);
    ways.push(() => (bad ? world.refuse(refusal(), index) : world.answer(index)));
  }
  if (world.imports.length > 0) {
    ways.push(() => {
      const error = bad ? refusal() : importError(world.imports[0]);
      if (error !== null) world.imports.shift()?.done({ error });
      else world.answerImport();
    });
  }
  if (world.works.length > 0) ways.push(() => world.answerWork(bad ? refusal() : undefined));
  if (world.preparing.length > 0) {
    ways.push(() => (bad ? world.refuseSpare(refusal()) : world.answerSpare()));
  }
  if (world.opening.length > 0) {
    ways.push(() => world.answerOpen(bad ? { error: refusal() } : secondOpen));
  }
  const way = random.one(ways);
  way?.();
  return way !== undefined;
}

class BenchLine implements Line {
  over = false;
  /** fds that were sent. */
  readonly fds: number[] = [];

  constructor(
    readonly bench: Bench,
    private readonly random: Random,
  ) {}

  send({ bytes, fds }: Piece): void {
    if (this.over || bytes.length === 0) return;
    const { bench } = this;
    // As the step receives them: 4096 bytes at most, fds with the first.
    const sent = fds.map((wish) => this.#fd(wish));
    for (let at = 0; at < bytes.length; at += 4096) {
      bench.feed(bytes.subarray(at, at + 4096), at === 0 ? sent : []);
    }
  }

  #fd({ choice, tame }: Wish): number {
    const fd = this.bench.world.openFd();
    const socket = !tame && choice % 16 === 0;
    this.bench.kinds.set(fd, socket ? 'socket' : (KINDS[choice % KINDS.length] as FdKind));
    // Some memfds are sealed, and some of those are documents.
    const content = ['{"a":1}', '{}', 'none'][choice % 3] ?? '';
    if (choice % 4 > 0) this.bench.contents.set(fd, Buffer.from(content));
    this.fds.push(fd);
    return fd;
  }

  read(heard: Heard): void {
    const { connection } = this.bench;
    if (this.random.below(3) > 0) turn(this.random, this.bench);
    for (let packet = nextPacket(connection); packet; packet = nextPacket(connection)) {
      const fds = packet.held?.fds ?? [];
      const { length } = packet.bytes;
      // Sometimes the socket takes a part of it alone.
      const some = this.random.below(8) === 0 ? 1 + this.random.below(length) : length;
      heard.take(packet.bytes.subarray(0, some), fds);
      connection.sent(some);
    }
    if (connection.failure !== null && /\n +at /.test(connection.failure)) {
      throw new Fault(connection.failure);
    }
    if (connection.closing && !this.over) this.hangUp();
  }

  wait(heard: Heard, done: () => boolean): void {
    for (let turns = 0; turns < TURNS; turns++) {
      // What waits for a moment, a claim for one, has its answer then; a broken one may wait for minutes.
      this.bench.world.pass(turns < TURNS / 2 ? 1 : 1000);
      this.bench.broker.poll();
      this.read(heard);
      if (done()) return;
      // Some wait for memory.
      this.bench.world.pass(1);
      this.bench.broker.poll();
    }
    throw new Fault(`no answer: objects ${[...heard.pending].join()} wait`);
  }

  hangUp(): void {
    if (this.over) return;
    this.over = true;
    this.bench.close();
  }
}

/** Plays the sessions of one registry. Throws a Fault. */
export function playHouse(seed: number, tally: Tally): void {
  const random = new Random(seed);
  const tokens: string[] = [];
  const lines: BenchLine[] = [];
  const live: Session[] = [];
  const first = new Bench([formats]);
  const join = () => {
    const bench = lines.length === 0 ? first : new Bench([formats], first);
    const line = new BenchLine(bench, random);
    lines.push(line);
    live.push(new Session(random, line, tokens));
  };
  let turns = 0;
  while (live.length > 0 || lines.length < SESSIONS) {
    if (lines.length < SESSIONS && live.length < AT_A_TIME) join();
    const session = live[random.below(live.length)];
    if (session?.step() === false) {
      live.splice(live.indexOf(session), 1);
      tally.add(session);
    }
    // Time passes: leases end, recalls fall due.
    if (random.below(20) === 0) first.world.pass(random.below(2000));
    first.broker.poll();
    ruleGroup(first, ++turns);
  }
  leftNothing(random, first, lines);
}

/** The group of all gets a rule and loses it again and again: it is charged what everybody has, or not counted. */
function ruleGroup({ broker: { quotas } }: Bench, turns: number): void {
  const id = `group/${peer.gid}` as const;
  if (turns % 8 === 0) quotas.configure('rest', new Map(turns % 16 === 0 ? [[id, {}]] : []));
  const charged = quotas.accounts.find('group', String(peer.gid))?.charge;
  if (charged === undefined) return;
  const { charge } = quotas.accounts.daemon;
  if (isDeepStrictEqual(charged, charge)) return;
  throw new Fault(`all have ${JSON.stringify(charge)}, their group ${JSON.stringify(charged)}`);
}

/** Everybody has left: so has all that was theirs. */
function leftNothing(random: Random, first: Bench, lines: readonly BenchLine[]): void {
  const { world, broker, objects } = first;
  for (let turns = 0; turns < TURNS && turn(random, first); turns++);
  for (const buffer of [...broker.buffers]) broker.release(buffer, 'administrator');
  for (let turns = 0; turns < 3; turns++) {
    world.pass(LONG_MS);
    broker.poll();
    while (turn(random, first));
  }
  broker.drainPool(null);
  const closed = lines.flatMap(({ bench }) => bench.closed);
  if (new Set(closed).size < closed.length) throw new Fault('an fd was closed twice');
  // The bench notes what a connection has closed; what the broker had, it has closed in the world.
  for (const fd of closed) {
    if (!world.open.delete(fd)) throw new Fault(`fd ${fd} was closed by the broker, too`);
  }
  const left = {
    fds: [...world.open],
    buffers: [...broker.buffers].length,
    lingering: [...broker.lingering].length,
    clients: [...broker.clients].length,
    objects: objects.taken(1000),
    charged: [...broker.quotas.accounts].filter(({ empty }) => !empty).length,
  };
  const nothing = { fds: [], buffers: 0, lingering: 0, clients: 0, objects: 0, charged: 0 };
  if (!isDeepStrictEqual(left, nothing)) throw new Fault(`left behind: ${JSON.stringify(left)}`);
}
