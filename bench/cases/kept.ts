/**
 * What it costs that buffers outlive the daemon: the same requests to a daemon whose service manager keeps what it has,
 * and to one without. A buffer of a connection is a record in a file; one with a lease is an fd that the manager
 * takes, too, before it is answered (at most 100 a second of a user: fewer are asked for here).
 */
import { type Client, connect, type LinearRequest } from '../../src/client/index.js';
import { withoutVulkan } from '../../test/support/daemon.js';
import { ServiceManager } from '../../test/support/service-manager.js';
import type { Bench, Row } from '../support/bench.js';
import { bound, QUIET_LOG, startDaemon } from '../support/programs.js';
import { inTurns, p50, p99, rowsOf, type Times, timed } from '../support/rounds.js';
import { USES } from '../support/script.js';

const LEASED = 50;
const PAUSE_MS = 1000;
const memfd: LinearRequest = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] };

const cases = (requests: number): Record<string, (client: Client) => Promise<Times>> => ({
  'allocate and release': (client) =>
    timed(requests, async () => (await client.allocate(memfd)).release()),
  'redeem and close': async (client) => {
    const buffer = await client.allocate(memfd);
    const token = await buffer.share({ uses: USES });
    const count = Math.min(requests, Math.floor(USES / 1.2));
    const times = await timed(count, async () => (await client.redeem(token)).close());
    await buffer.release();
    return times;
  },
  'allocate with a lease': async (client) => {
    const made: { release(): Promise<void> }[] = [];
    const times = await timed(LEASED, async () => {
      made.push(await client.allocate({ ...memfd, lifetime: { lease: 60 } }));
    });
    for (const each of made) await each.release();
    // A user's part of the manager's time is there again.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return times;
  },
});

export const kept: Bench = {
  name: 'kept',
  what: 'A daemon whose buffers outlive it, against one without a service manager',
  place: 'host',
  amount: { rounds: 7, requests: 2000 },
  quick: null,

  async run({ rounds, requests }) {
    const ends: (() => void)[] = [];
    const manager = new ServiceManager({ teardown: (end: () => void) => ends.push(end) });
    const daemons = {
      kept: await manager.start([], { env: withoutVulkan, wrapper: QUIET_LOG }),
      not: await startDaemon(withoutVulkan),
    };
    bound(daemons.kept.process);
    const clients = {
      kept: await connect({ socket: daemons.kept.clientSocket }),
      not: await connect({ socket: daemons.not.clientSocket }),
    };
    const rows: Row[] = [];
    for (const [name, run] of Object.entries(cases(requests))) {
      const all = await inTurns(rounds, {
        kept: () => run(clients.kept),
        not: () => run(clients.not),
      });
      rows.push(...rowsOf(name, [p50, p99], ['kept', all.kept], ['not', all.not]));
    }
    for (const client of Object.values(clients)) client.close();
    for (const daemon of Object.values(daemons)) await daemon.end();
    for (const end of ends) end();
    return rows;
  },
};
