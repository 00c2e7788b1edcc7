/**
 * `npm run fuzz`: plays the fuzzers' targets for longer than the tests do, or a seed that found something
 * again, and prints how much of what was sent and how fast. Ends with 1 where a fault was found.
 *
 *   npm run fuzz                                  all targets
 *   npm run fuzz -- daemon --messages 1000000     one, for so many messages
 *   npm run fuzz -- wire --seed 42 --rounds 1     one round of it again
 *   npm run fuzz -- daemon --vulkan               with every source of memory that the machine has
 */
import { parseArgs } from 'node:util';
import { withoutVulkan } from '../support/daemon.js';
import { seed as chosenSeed } from '../support/random.js';
import { playHouse } from './house.js';
import { openDaemon, playRounds } from './rounds.js';
import { buildSanitized } from './sanitized.js';
import { inRound, seedsUntil, TARGETS, type TargetName } from './seeds.js';
import { Fault } from './session.js';
import { Tally } from './tally.js';

type Play = (seeds: Iterable<number>, tally: Tally) => Promise<void>;

const MESSAGES = 100_000;
/** Of the daemon's log; what is no line of it, a sanitizer's report, has level 0. */
const WARNING = 40;

async function playWire(seeds: Iterable<number>, tally: Tally): Promise<void> {
  for (const seed of seeds) await inRound(seed, async () => playHouse(seed, tally));
}

const playing =
  (target: 'daemon' | 'rest'): Play =>
  async (seeds, tally) => {
    // Drivers have findings of their own.
    const sanitized = values.vulkan ? null : buildSanitized();
    if (sanitized === null) console.log('# without sanitizers');
    const daemon = await openDaemon(sanitized, values.vulkan ? process.env : withoutVulkan);
    try {
      await playRounds(target, daemon, seeds, tally);
    } catch (error) {
      const grave = daemon.log.filter(({ level }) => level === 0 || level >= WARNING);
      for (const line of grave.slice(-20)) console.log(`# ${JSON.stringify(line)}`);
      throw error;
    } finally {
      await daemon.stop('SIGKILL');
    }
  };

const plays: Readonly<Record<TargetName, Play>> = {
  wire: playWire,
  daemon: playing('daemon'),
  rest: playing('rest'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    messages: { type: 'string', default: String(MESSAGES) },
    rounds: { type: 'string' },
    vulkan: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? chosenSeed());
const targets = TARGETS.filter((name) => positionals.length === 0 || positionals.includes(name));
if (targets.length === 0 || targets.length < positionals.length) {
  throw new Error(`the targets are ${TARGETS.join(', ')}`);
}

function seedsOf(tally: Tally): Iterable<number> {
  if (values.rounds === undefined) return seedsUntil(first, Number(values.messages), tally);
  return Array.from({ length: Number(values.rounds) }, (_, round) => first + round);
}

for (const target of targets) {
  console.log(`${target}: from seed ${first} on`);
  const tally = new Tally();
  const started = performance.now();
  try {
    await plays[target](seedsOf(tally), tally);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.exitCode = 1;
    console.log(`${target}: FAULT, ${error.message}`);
  }
  const seconds = (performance.now() - started) / 1000;
  const { sessions, heard } = tally.counts;
  const answers = Object.values(heard).reduce((sum, count) => sum + count, 0);
  const rate = Math.round(tally.messages / seconds);
  console.log(`${target}: ${tally.messages} messages, ${rate} a second, ${seconds.toFixed(1)} s`);
  console.log(`${target}: sessions ${JSON.stringify(sessions)}, ${answers} answers`);
}
