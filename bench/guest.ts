/**
 * What a guest costs, in User-Mode Linux and in QEMU side by side: the table of test/vm/README.md.
 *
 *   node dist/bench/guest.js [rounds]
 */
import { loadavg } from 'node:os';
import { type Choice, prepareGuest, runInGuest } from '../test/vm/vm.js';

const rounds = Number(process.argv[2] ?? 5);

/** What is timed, in the guest's own clock; in the order in which each first use is a first one. */
const STEPS = {
  'starting Node, the first time': 'node -e 0',
  'starting Node, again': 'node -e 0',
  'importing Fastify, the first time': `node -e 'import("fastify")'`,
  'importing Fastify, again': `node -e 'import("fastify")'`,
  'vulkaninfo --summary': 'vulkaninfo --summary',
} as const;
const BOOT = 'power-on until the command starts';
const SYSTEMD = 'systemd is up';

/** Prints a number of seconds for each step. */
const script = Object.values(STEPS)
  .map(
    (step) => `read a b </proc/uptime; ${step} >/dev/null 2>&1; read c d </proc/uptime; echo $a $c`,
  )
  .join('\n');

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function measure(choice: Choice): Promise<Map<string, number>> {
  const all = new Map<string, number[]>();
  const add = (what: string, seconds: number) => all.set(what, [...(all.get(what) ?? []), seconds]);
  for (let round = 0; round < rounds; round++) {
    const { stdout, bootMilliseconds } = await runInGuest([script], { choice });
    add(BOOT, (bootMilliseconds ?? Number.NaN) / 1000);
    const lines = stdout.trim().split('\n');
    for (const [i, what] of Object.keys(STEPS).entries()) {
      const [from = Number.NaN, to = Number.NaN] = (lines[i] ?? '').split(' ').map(Number);
      add(what, to - from);
    }
    const started = await runInGuest(['true'], { choice, systemd: true });
    add(SYSTEMD, (started.bootMilliseconds ?? Number.NaN) / 1000);
  }
  return new Map([...all].map(([what, seconds]) => [what, median(seconds)]));
}

const uml = await measure('uml');
const { kind } = await prepareGuest({ choice: 'qemu' });
const qemu = await measure('qemu');
console.log(
  `Seconds, the medians of ${rounds} rounds; load ${loadavg()[0]?.toFixed(1)} at the end.\n`,
);
console.log(`| | User-Mode Linux | QEMU (${kind}) |\n|---|---|---|`);
for (const [what, seconds] of uml) {
  console.log(`| ${what} | ${seconds.toFixed(2)} | ${qemu.get(what)?.toFixed(2)} |`);
}
