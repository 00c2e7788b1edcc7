/**
 * Whether others disturb a client: what it waits for a hand-off in quiet, and while REST is flooded, while another user
 * allocates 1 GiB again and again, and what it waits for an allocation beside 10,000 buffers of 100 users.
 */
import { connect } from '../../src/client/index.js';
import type { HandleType } from '../../src/memory/source.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { type TestDaemon, withoutVulkan } from '../../test/support/daemon.js';
import type { Bench, Options, Row } from '../support/bench.js';
import {
  type Crowd,
  daemonForUsers,
  FIRST_UID,
  needReadable,
  needRoot,
  startCrowd,
  startFlood,
  startNeighbour,
} from '../support/others.js';
import { load, type Measured, startDaemon } from '../support/programs.js';
import { figure, median } from '../support/report.js';
import { inTurns, p50, p99, rowsOf } from '../support/rounds.js';
import { USES } from '../support/script.js';
import { tokenMaker } from '../support/tokens.js';

const GIB = 1024 ** 3;
/** Until connections are there and lists are made. */
const WARM_UP_MS = 1000;

/** A client that redeems. */
async function handOffs(daemon: TestDaemon, requests: number) {
  const owner = await connect({ socket: daemon.clientSocket });
  const make = tokenMaker(owner);
  const plan = { connections: 1, warmUp: Math.ceil(requests / 10), requests };
  return {
    owner,
    measure: async (): Promise<Measured> => {
      const tokens = await make(plan.warmUp + plan.requests);
      return load(daemon.clientSocket, { kind: 'redeem', tokens, uses: USES }, plan);
    },
  };
}

/** `measure` in quiet, and between the start and the end of what disturbs. */
async function quietAndBusy<T>(
  rounds: number,
  measure: () => Promise<T>,
  start: () => Promise<() => Promise<number>>,
): Promise<{ quiet: T[]; busy: T[]; rates: number[] }> {
  const rates: number[] = [];
  const all = await inTurns(rounds, {
    quiet: measure,
    busy: async () => {
      const stop = await start();
      await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
      const measured = await measure();
      rates.push(await stop());
      return measured;
    },
  });
  return { ...all, rates };
}

export const FLOODED = 'redeem, while REST is flooded';

export const restFlood: Bench = {
  name: 'rest-flood',
  what: 'A hand-off while REST is flooded, against the same in quiet',
  place: 'host',
  // A second or more of them: fewer are over between two of the pauses that p99 is made of.
  amount: { rounds: 9, requests: 30_000 },
  quick: { rounds: 3, requests: 10_000 },

  async run({ rounds, requests, number, note }) {
    const [buffers, connections] = [number('buffers', 10_000), number('connections', 50)];
    const daemon = await startDaemon(withoutVulkan);
    const leave = await startCrowd(daemon.clientSocket, { users: 1, connections: 1, buffers }, 0);
    const { owner, measure } = await handOffs(daemon, requests);
    const { quiet, busy, rates } = await quietAndBusy(rounds, measure, async () =>
      startFlood(daemon, connections),
    );
    const each = figure(median(rates));
    note(
      `${connections} REST connections got ${each} pages of 100 of ${buffers} buffers a second (autocannon, on the same CPUs).`,
    );
    owner.close();
    await leave();
    await daemon.stop();
    return rowsOf(FLOODED, [p50, p99], ['flooded', busy], ['quiet', quiet]);
  },
};

export const besideOf = (handleType: HandleType) =>
  `redeem, beside another user's 1 GiB of ${handleType}`;

/** On a machine with a device the other user's memory is of that. */
async function neighbour(options: Options, wanted: readonly HandleType[]): Promise<Row[]> {
  needReadable();
  const { rounds, requests, note } = options;
  const daemon = await daemonForUsers(1, process.env);
  const { owner, measure } = await handOffs(daemon, requests);
  const rows: Row[] = [];
  for (const handleType of wanted) {
    const { sources } = owner.description;
    if (!sources.some((source) => source.handleType === handleType && source.usable)) continue;
    const { quiet, busy, rates } = await quietAndBusy(rounds, measure, () =>
      startNeighbour(daemon, GIB, handleType),
    );
    note(`The other user got 1 GiB of ${handleType} ${figure(median(rates))} times a second.`);
    rows.push(...rowsOf(besideOf(handleType), [p50, p99], ['beside', busy], ['quiet', quiet]));
  }
  owner.close();
  await daemon.stop();
  return rows;
}

export const besideAllocations: Bench = {
  name: 'neighbour',
  what: "A hand-off beside another user's large allocations, against the same in quiet",
  place: 'host',
  amount: { rounds: 9, requests: 20_000 },
  quick: { rounds: 3, requests: 5000 },
  run: (options) => neighbour(options, ['memfd', 'opaque_fd']),
};

export const besideDmaBufs: Bench = {
  name: 'neighbour-dma-buf',
  what: "A hand-off beside another user's large dma_bufs, against the same in quiet",
  place: 'guest',
  // One that comes while a GiB is made waits for half a second.
  amount: { rounds: 7, requests: 1000 },
  quick: { rounds: 3, requests: 500 },
  run: (options) => neighbour(options, ['dma_buf']),
};

const CROWD: Crowd = { users: 100, connections: 10, buffers: 10 };

export const crowd: Bench = {
  name: 'crowd',
  what: 'An allocation beside 10,000 buffers, 1,000 connections and 100 users, against the same with none',
  place: 'host',
  amount: { rounds: 7, requests: 2000 },
  quick: { rounds: 3, requests: 500 },

  async run({ rounds, requests }) {
    needRoot();
    const full = await daemonForUsers(CROWD.users, withoutVulkan);
    const empty = await daemonForUsers(CROWD.users, withoutVulkan);
    const leave = await startCrowd(full.clientSocket, CROWD, FIRST_UID);
    const handleType = dmabroker_manager_v1.enums.handle_type.memfd;
    const plan = { connections: 1, warmUp: Math.ceil(requests / 10), requests };
    const measure =
      ({ clientSocket }: TestDaemon) =>
      () =>
        load(clientSocket, { kind: 'allocate', memory: { size: 4096 }, handleType }, plan);
    const all = await inTurns(rounds, { alone: measure(empty), crowd: measure(full) });
    await leave();
    await full.stop();
    await empty.stop();
    const name = 'allocate and release 4 KiB memfd';
    return rowsOf(name, [p50, p99], ['in the crowd', all.crowd], ['alone', all.alone]);
  },
};
