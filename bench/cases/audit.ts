/**
 * What the audit costs a client: redemptions, each a line of the audit, of a daemon that keeps one and of one that does
 * not. grep(1) reads the log and keeps the lines of the audit (support/programs.ts).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../src/client/index.js';
import { withoutVulkan } from '../../test/support/daemon.js';
import type { Bench, Row } from '../support/bench.js';
import {
  load,
  type Measured,
  ONE_CPU,
  pin,
  startDaemon,
  temporaryFolder,
} from '../support/programs.js';
import { inTurns, p50, rate, rowsOf } from '../support/rounds.js';
import { USES } from '../support/script.js';
import { tokenMaker } from '../support/tokens.js';
import { nameOf } from './roundtrip.js';

const CASES = [
  { kind: 'redeem', connections: 1, oneCpu: true },
  { kind: 'redeem', connections: 1, oneCpu: false },
  { kind: 'redeem', connections: 8, oneCpu: false },
] as const;

async function start(audit: boolean) {
  const file = join(temporaryFolder(), 'dmabroker.toml');
  writeFileSync(file, `[log]\nlevel = "info"\naudit = ${audit}\n`);
  const daemon = await startDaemon(withoutVulkan, ['--config', file, '--pool-bytes', '0']);
  const owner = await connect({ socket: daemon.clientSocket });
  return { daemon, owner, tokens: tokenMaker(owner) };
}

type Started = Awaited<ReturnType<typeof start>>;

export const audit: Bench = {
  name: 'audit',
  what: 'Redemptions with an audit, against the same without one',
  place: 'host',
  amount: { rounds: 7, requests: 20_000 },
  quick: { rounds: 3, requests: 5000 },

  async run({ rounds, requests }) {
    const servers = { on: await start(true), off: await start(false) };
    const measure = async (
      { daemon, tokens }: Started,
      { connections, oneCpu }: (typeof CASES)[number],
    ): Promise<Measured> => {
      const plan = {
        connections,
        warmUp: Math.ceil(requests / 10 / connections),
        requests: Math.ceil(requests / connections),
      };
      const good = await tokens((plan.warmUp + plan.requests) * connections);
      pin(daemon.pid, oneCpu);
      const kind = { kind: 'redeem', uses: USES, tokens: good } as const;
      return load(daemon.clientSocket, kind, plan, oneCpu ? ONE_CPU : undefined);
    };
    const rows: Row[] = [];
    for (const wanted of CASES) {
      const all = await inTurns(rounds, {
        on: () => measure(servers.on, wanted),
        off: () => measure(servers.off, wanted),
      });
      rows.push(...rowsOf(nameOf(wanted), [p50, rate], ['audit', all.on], ['none', all.off]));
    }
    for (const { owner, daemon } of Object.values(servers)) {
      owner.close();
      await daemon.stop();
    }
    return rows;
  },
};
