/**
 * Many hand-offs leave nothing: after tens of thousands (by night two million) the daemon has the fds that it had, and no
 * more memory than a heap that has found its size. The client is the benchmarks' own (bench/c/load.c).
 */
import t from 'tap';
import { load, QUIET_LOG } from '../../bench/support/programs.js';
import { USES } from '../../bench/support/script.js';
import { tokenMaker } from '../../bench/support/tokens.js';
import { connect } from '../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { atNight } from '../support/night.js';

t.setTimeout(atNight(120_000, 3_600_000));

const HAND_OFFS = atNight(25_000, 2_000_000);
/** At once; load.c gives up a run of more than a minute. */
const BATCH = 25_000;
const CONNECTIONS = 8;
/** V8 lets garbage lie while it has room: so that what is left counts, each thread has little. */
const HEAP = '--max-old-space-size=64';
/** What the threads' heaps still grow by (45 MiB, at 25,000 and at 400,000). By night 40 bytes a hand-off are seen. */
const MARGIN = 80 * 2 ** 20;

t.test('fds and memory stay flat', async (t) => {
  const env = { ...withoutVulkan, NODE_OPTIONS: HEAP };
  const daemon = await TestDaemon.start([], { env, wrapper: QUIET_LOG });
  t.teardown(() => daemon.stop());
  const requests = Math.ceil(BATCH / CONNECTIONS);

  const redeem = async (): Promise<number> => {
    const owner = await connect({ socket: daemon.clientSocket });
    const make = tokenMaker(owner);
    const tokens = await make((requests + 1) * CONNECTIONS);
    const kind = { kind: 'redeem', tokens, uses: USES } as const;
    const { fds } = await load(daemon.clientSocket, kind, {
      connections: CONNECTIONS,
      warmUp: 1,
      requests,
    });
    await make(0);
    owner.close();
    return fds;
  };
  const allocate = () =>
    load(
      daemon.clientSocket,
      {
        kind: 'allocate',
        memory: { size: 4096 },
        handleType: dmabroker_manager_v1.enums.handle_type.memfd,
      },
      { connections: 1, warmUp: 1, requests: 200 },
    );

  // Until everything has run that is compiled, and the history and its rings are full.
  await redeem();
  await allocate();
  const fds = await daemon.idleFds();
  const memory = daemon.memory();
  let handed = 0;
  while (handed < HAND_OFFS) {
    handed += await redeem();
    await allocate();
  }
  t.ok(handed >= HAND_OFFS, `${handed} fds came`);
  await t.resolves(daemon.settled(fds));
  const grown = daemon.memory() - memory;
  t.ok(grown < MARGIN, `${(grown / 2 ** 20).toFixed(1)} MiB more after ${handed} hand-offs`);
  t.comment(`${(grown / 2 ** 20).toFixed(1)} MiB more after ${handed} hand-offs`);
  t.same(daemon.errors, []);
});
