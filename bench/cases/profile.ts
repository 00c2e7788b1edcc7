/**
 * Where the time goes: the daemon under V8's profiler (node --cpu-prof, every thread) while it is asked as fast as it
 * answers. What a thread waits for in C is of the function that called it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { TestDaemon, withoutVulkan } from '../../test/support/daemon.js';
import { type Bench, type Row, Skipped } from '../support/bench.js';
import { type CpuProfile, type Part, partsOf, ran } from '../support/cpu-profile.js';
import { bound, load, QUIET_LOG, temporaryFolder } from '../support/programs.js';
import { figure, median } from '../support/report.js';
import { type Kind, USES } from '../support/script.js';
import { tokenMaker } from '../support/tokens.js';

const THREADS = {
  'data plane': '/plane/main.js',
  allocator: '/allocator/main.js',
  main: '/server/main.js',
} as const;
/** Below that the places are many and say little. */
const LEAST_PERCENT = 2;
const FUNCTIONS = 6;
const SAMPLE_US = 200;

type Parts = Record<string, Part[]>;

function program(): string {
  const main = join(packageRoot, 'dist/bundle-profile/server/main.js');
  // Where there is a compiler the bundle is of what is there now; elsewhere it came along (gpu.sh).
  if (existsSync(join(packageRoot, 'node_modules/.bin/esbuild'))) {
    execFileSync('bash', [join(packageRoot, 'bench/bundle-profile.sh')], { stdio: 'inherit' });
  }
  if (!existsSync(main))
    throw new Skipped('dist/bundle-profile is not there: bench/bundle-profile.sh');
  return main;
}

async function profiled(
  main: string,
  ask: (daemon: TestDaemon) => Promise<unknown>,
): Promise<Parts> {
  const folder = temporaryFolder();
  const flags = `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=${SAMPLE_US}`;
  const daemon = await TestDaemon.start(['--pool-bytes', '0', '--log-level', 'info'], {
    env: withoutVulkan,
    program: main,
    wrapper: [...QUIET_LOG, 'sh', '-c', `node=$1; shift; exec "$node" ${flags} "$@"`, 'sh'],
  });
  bound(daemon.process);
  const now = () => Number(process.hrtime.bigint() / 1000n);
  const from = now();
  await ask(daemon);
  const between = { from, to: now() };
  await daemon.stop();
  const profiles = readdirSync(folder).map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile,
  );
  return Object.fromEntries(
    Object.entries(THREADS).map(([thread, path]): [string, Part[]] => {
      const found = profiles.find((profile) => ran(profile, path));
      if (found === undefined) throw new Error(`there is no profile of ${thread}`);
      return [thread, partsOf(found, between)];
    }),
  );
}

const plan = (connections: number, requests: number) => ({
  connections,
  warmUp: Math.ceil(requests / 10 / connections),
  requests: Math.ceil(requests / connections),
});

interface Load {
  /** Those that have work of it. */
  readonly threads: readonly (keyof typeof THREADS)[];
  ask(daemon: TestDaemon, requests: number): Promise<unknown>;
}

const LOADS: Readonly<Record<string, Load>> = {
  'redeem, 8 connections': {
    threads: ['data plane', 'main'],
    ask: async (daemon, requests) => {
      const owner = await connect({ socket: daemon.clientSocket });
      const { connections, ...each } = plan(8, requests);
      const tokens = await tokenMaker(owner)((each.warmUp + each.requests) * connections);
      const kind: Kind = { kind: 'redeem', tokens, uses: USES };
      await load(daemon.clientSocket, kind, { connections, ...each });
      owner.close();
    },
  },
  'allocate and release 4 KiB memfd, 1 connection': {
    threads: ['data plane', 'allocator', 'main'],
    ask: (daemon, requests) => {
      const handleType = dmabroker_manager_v1.enums.handle_type.memfd;
      const kind: Kind = { kind: 'allocate', memory: { size: 4096 }, handleType };
      return load(daemon.clientSocket, kind, plan(1, requests / 5));
    },
  },
};

/** The median share of each place that matters, of all rounds. */
function rowsFor(name: string, thread: string, rounds: readonly Parts[]): Row[] {
  const places = new Set(rounds.flatMap((parts) => parts[thread]?.map(({ place }) => place) ?? []));
  return [...places]
    .map((place): Row => {
      const values = rounds.map(
        (parts) => parts[thread]?.find((part) => part.place === place)?.share ?? 0,
      );
      const sides = ['% of its time'] as const;
      return {
        case: `${name}: ${thread}`,
        what: place,
        better: 'neither',
        sides,
        values,
        against: [],
      };
    })
    .filter(({ values }) => median(values) >= LEAST_PERCENT)
    .toSorted((a, b) => median(b.values) - median(a.values));
}

export const profile: Bench = {
  name: 'profile',
  what: "Where the daemon's threads spend their time, by source file",
  place: 'host',
  amount: { rounds: 3, requests: 100_000 },
  quick: null,

  async run({ rounds, requests, note }) {
    const main = program();
    const rows: Row[] = [];
    for (const [name, { threads, ask }] of Object.entries(LOADS)) {
      const all: Parts[] = [];
      for (let round = 0; round < rounds; round++) {
        all.push(await profiled(main, (daemon) => ask(daemon, requests)));
      }
      for (const thread of threads) {
        rows.push(...rowsFor(name, thread, all));
        const functions = (all.at(-1)?.[thread] ?? [])
          .flatMap((part) => part.functions.map((each) => ({ ...each, place: part.place })))
          .toSorted((a, b) => b.share - a.share)
          .slice(0, FUNCTIONS)
          .map((each) => `\`${each.name}\` of ${each.place} ${figure(each.share)} %`);
        note(`${name}, ${thread}: ${functions.join(', ')}.`);
      }
    }
    return rows;
  },
};
