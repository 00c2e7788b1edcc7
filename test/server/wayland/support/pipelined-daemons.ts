/**
 * Three daemons that answer at different speeds: one whose pool is empty, one that has spares, and one that is
 * busy with somebody else; and a hundred times of each sequence with each.
 */
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { connect } from '../../../../src/client/index.js';
import { METADATA_PER_SECOND } from '../../../../src/memory/limits.js';
import type { HandleType } from '../../../../src/memory/source.js';
import { Actor } from '../../../support/actor.js';
import { eventually, type TestDaemon } from '../../../support/daemon.js';
import { poolOf } from '../../../support/pool.js';
import { RawClient } from '../../../support/raw-client.js';
import { missing, sequences, transcript } from './pipelined.js';

/** Of a sequence, with four documents at most: a user who publishes more of them in a second is refused. */
const ROUNDS_PER_SECOND = METADATA_PER_SECOND / 4;

export interface Condition {
  readonly name: string;
  readonly daemon: TestDaemon;
  /** Before each flush. */
  readonly before?: () => Promise<void>;
  /** What goes on beside; returns what ends it. */
  readonly beside?: () => Promise<() => Promise<void>>;
}

/** A daemon's last spec has a spare; where nothing was asked for yet there is no spec. */
export const spared = (daemon: TestDaemon) => (): Promise<void> =>
  eventually(async () => {
    const [spec] = (await poolOf(daemon)).specs;
    return spec === undefined || spec.spares > 0;
  }, 'a spare is made');

/** Keeps a daemon busy: four large allocations and a fill at any time. Returns what ends it. */
export async function load(
  daemon: TestDaemon,
  source: string,
  user: string | number | null,
): Promise<() => Promise<void>> {
  const actor = Actor.start(daemon, user);
  await actor.tell({ what: 'connect' });
  let ended = false;
  const work = (async () => {
    while (!ended) {
      const size = 1024 * 1024;
      const all = [1, 2, 3, 4].map(() => actor.allocate(source, size));
      for (const { number } of await Promise.all(all)) {
        await actor.tell({ what: 'fill', number, value: 1 });
        await actor.tell({ what: 'release', number });
      }
    }
  })();
  return async () => {
    ended = true;
    await work;
    await actor.end('leave');
  };
}

/** Each sequence `times` times under each condition: the same answers, to the last argument. */
export async function alike(
  t: Test,
  conditions: readonly Condition[],
  type: HandleType,
  times: number,
): Promise<void> {
  const seen = new Map<string, Map<string, string>>();
  for (const { name: how, daemon, before, beside } of conditions) {
    const stop = await beside?.();
    const owner = await connect({ socket: daemon.clientSocket, reconnect: false });
    const shared = await owner.allocate({ kind: 'buffer', size: 8192, handleTypes: [type] });
    const client = await new RawClient(daemon.clientSocket).ready();
    // A request that is added to the protocol needs a place here.
    t.same(missing(client, type), [], 'every request is in a sequence');
    for (const name of Object.keys(sequences)) {
      const token = await shared.share({ uses: times });
      for (let i = 0; i < times; i++) {
        await before?.();
        const answers = seen.get(name) ?? new Map<string, string>();
        seen.set(name, answers);
        const answer = await transcript(client, name, type, token);
        if (!answers.has(answer)) answers.set(answer, `${how}, ${i}`);
        const isPaced = name.startsWith('revisions') && (i + 1) % ROUNDS_PER_SECOND === 0;
        if (isPaced) await setTimeout(1000);
      }
    }
    await stop?.();
    client.close();
    await shared.release();
    owner.close();
  }
  for (const [name, answers] of seen) {
    const [[first] = [''], second] = [...answers];
    t.not(first, '', `${name}: it is answered`);
    // Two answers are shown beside each other, with when they were first seen.
    t.equal(second?.[0] ?? first, first, `${name}: ${[...answers.values()].join('; ')}`);
  }
}
