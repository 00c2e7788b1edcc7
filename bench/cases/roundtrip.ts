/**
 * How much of a round trip is the daemon: the same bytes answered by the daemon and by a plain epoll server in C
 * (c/reference.c), played by the same client (c/load.c).
 */
import { connect } from '../../src/client/index.js';
import { withoutVulkan } from '../../test/support/daemon.js';
import { answerOf } from '../support/answer.js';
import type { Bench, Row } from '../support/bench.js';
import {
  load,
  type Measured,
  ONE_CPU,
  pin,
  startDaemon,
  startReference,
} from '../support/programs.js';
import { checkShapes, inTurns, p50, p99, rate, rowsOf } from '../support/rounds.js';
import { type Kind, USES } from '../support/script.js';
import { tokenMaker } from '../support/tokens.js';

interface Case {
  readonly kind: 'sync' | 'redeem';
  readonly connections: number;
  /** Client and server on one CPU: the work of both, without the wake-up of another CPU. */
  readonly oneCpu: boolean;
}

const CASES: readonly Case[] = (['sync', 'redeem'] as const).flatMap((kind) => [
  { kind, connections: 1, oneCpu: true },
  { kind, connections: 1, oneCpu: false },
  { kind, connections: 8, oneCpu: false },
]);

export const nameOf = ({ kind, connections, oneCpu }: Case) =>
  `${kind}, ${connections} connection${connections > 1 ? 's' : ''}${oneCpu ? ', one CPU' : ''}`;

export const roundtrip: Bench = {
  name: 'roundtrip',
  what: 'Round trips: the daemon against an epoll server in C',
  place: 'host',
  amount: { rounds: 7, requests: 20_000 },
  quick: { rounds: 3, requests: 5000 },

  async run({ rounds, requests }) {
    const daemon = await startDaemon(withoutVulkan);
    const owner = await connect({ socket: daemon.clientSocket });
    const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
    const reference = await startReference(answerOf(buffer));
    const tokens = tokenMaker(owner);
    /** The reference looks at no token; one that is as long makes the requests as long. */
    const [sample = ''] = await tokens(1);

    const measure = async (
      which: 'daemon' | 'C',
      { kind, connections, oneCpu }: Case,
    ): Promise<Measured> => {
      const plan = {
        connections,
        warmUp: Math.ceil(requests / 10 / connections),
        requests: Math.ceil(requests / connections),
      };
      const redeem = async (): Promise<Kind> => {
        const all = (plan.warmUp + plan.requests) * connections;
        if (which === 'daemon') return { kind: 'redeem', uses: USES, tokens: await tokens(all) };
        return { kind: 'redeem', uses: all, tokens: [sample] };
      };
      const asked: Kind = kind === 'sync' ? { kind } : await redeem();
      const { pid, socket } =
        which === 'daemon' ? { pid: daemon.pid, socket: daemon.clientSocket } : reference;
      pin(pid, oneCpu);
      return load(socket, asked, plan, oneCpu ? ONE_CPU : undefined);
    };

    const rows: Row[] = [];
    for (const wanted of CASES) {
      const all = await inTurns(rounds, {
        C: () => measure('C', wanted),
        daemon: () => measure('daemon', wanted),
      });
      checkShapes([...all.daemon, ...all.C]);
      rows.push(...rowsOf(nameOf(wanted), [p50, p99, rate], ['daemon', all.daemon], ['C', all.C]));
    }
    owner.close();
    await reference.stop();
    await daemon.stop();
    return rows;
  },
};
