/**
 * What the audit costs a client: redemptions, each a line of the audit, of a daemon that keeps one and
 * of one that does not, in turns, as ratios. grep(1) reads the log and keeps the lines of the audit.
 *
 *   node dist/bench/audit.js [--rounds=7] [--requests=20000]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../src/client/index.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { load, type Measured, pin, startDaemon, temporaryFolder } from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 20_000);
const WARM_UP = Math.ceil(REQUESTS / 10);
/** How often one token can be redeemed (src/memory/limits.ts). */
const USES = 1000;

const cases = [
  { connections: 1, oneCpu: true },
  { connections: 1, oneCpu: false },
  { connections: 8, oneCpu: false },
] as const;
type Case = (typeof cases)[number];

header('audit', 'Redemptions with an audit, against the same without one');

async function start(audit: boolean) {
  const file = join(temporaryFolder(), 'dmabroker.toml');
  writeFileSync(file, `[log]\nlevel = "info"\naudit = ${audit}\n`);
  const reader = `exec "$@" 2> >(grep --line-buffered -v '"component":"audit"' >&2)`;
  const daemon = await startDaemon(
    withoutVulkan,
    ['--config', file, '--pool-bytes', '0'],
    ['bash', '-c', reader, 'bash'],
  );
  const owner = await connect({ socket: daemon.clientSocket });
  const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  return { daemon, owner, buffer };
}

const servers = { on: await start(true), off: await start(false) } as const;
type Name = keyof typeof servers;

async function measure(name: Name, { connections, oneCpu }: Case): Promise<Measured> {
  const { daemon, buffer } = servers[name];
  const plan = {
    connections,
    warmUp: Math.ceil(WARM_UP / connections),
    requests: Math.ceil(REQUESTS / connections),
  };
  const needed = Math.ceil(((plan.warmUp + plan.requests) * connections) / USES);
  const tokens = await Promise.all(
    Array.from({ length: needed }, () => buffer.share({ uses: USES })),
  );
  pin(daemon.pid, oneCpu ? '0' : '0-1023');
  const kind = { kind: 'redeem', uses: USES, tokens } as const;
  return load(daemon.clientSocket, kind, plan, oneCpu ? 0 : undefined);
}

const results = cases.map(() => ({ on: [] as Measured[], off: [] as Measured[] }));
for (let round = 0; round < ROUNDS; round++) {
  const order: Name[] = round % 2 === 0 ? ['on', 'off'] : ['off', 'on'];
  for (const [i, wanted] of cases.entries()) {
    for (const name of order) results[i]?.[name].push(await measure(name, wanted));
  }
}

const rows = cases.flatMap(({ connections, oneCpu }, i) => {
  const { on = [], off = [] } = results[i] ?? {};
  const where = `${connections} connection${connections > 1 ? 's' : ''}${oneCpu ? ', one CPU' : ''}`;
  const row = (what: string, of: (measured: Measured) => number) => {
    const [x, y] = [on.map(of), off.map(of)];
    return [where, what, figure(median(x)), figure(median(y)), ratio(x, y)];
  };
  return [
    row('p50 µs', ({ p50 }) => p50),
    row('thousand/s', ({ requests, seconds }) => requests / seconds / 1000),
  ];
});
table(['redeem', 'what', 'audit', 'none', 'audit / none: median (least–most)'], rows);
console.log(`Medians of ${ROUNDS} rounds, the two in turns; ${REQUESTS} redemptions each.`);

for (const { owner, daemon } of Object.values(servers)) {
  owner.close();
  await daemon.stop();
}
