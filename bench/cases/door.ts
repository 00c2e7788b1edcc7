/**
 * What a call of a C function costs by each door (src/native/door.ts): one that does nothing, with arguments
 * and prepared, the address of a Buffer, and a Buffer over an address. Each door has a process of its own
 * (support/door-calls.ts), in turns.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench, Row } from '../support/bench.js';
import type { DoorCosts } from '../support/door-calls.js';
import { inTurns } from '../support/rounds.js';

const program = fileURLToPath(new URL('../support/door-calls.js', import.meta.url));

async function measured(door: DoorCosts['used'], count: number): Promise<DoorCosts['costs']> {
  const env = { ...process.env, DMABROKER_DOOR: door === 'ffi-rs' ? door : '' };
  const out = execFileSync(process.execPath, [program, `${count}`], { env, encoding: 'utf8' });
  const { used, costs } = JSON.parse(out) as DoorCosts;
  if (used !== door) throw new Error(`${door} was to be measured, and ${used} was used`);
  return costs;
}

export const door: Bench = {
  name: 'door',
  what: 'A call of C: Node-API against ffi-rs',
  place: 'host',
  amount: { rounds: 5, requests: 50_000 },
  quick: { rounds: 3, requests: 20_000 },

  async run({ rounds, requests }) {
    const all = await inTurns(rounds, {
      addon: () => measured('node-api', requests),
      ffiRs: () => measured('ffi-rs', requests),
    });
    return Object.keys(all.addon[0] ?? {}).map(
      (name): Row => ({
        case: name,
        what: 'ns a call',
        better: 'less',
        sides: ['Node-API', 'ffi-rs'],
        values: all.addon.map((costs) => costs[name] ?? Number.NaN),
        against: all.ffiRs.map((costs) => costs[name] ?? Number.NaN),
      }),
    );
  },
};
