/** `dmabrokerctl pool`: the spares that the daemon keeps, and what for. */
import type { PoolDrained, PoolInfo } from '../../rest/contract.js';
import { type MakeCommand, tell } from '../command.js';
import { contents } from '../describe.js';
import { printFields, printTable, say } from '../output.js';
import { age, bytes, span } from '../printable.js';
import type { Columns } from '../table.js';

const COLUMNS: Columns<PoolInfo['specs'][number]> = [
  ['SOURCE', (spec) => spec.source],
  ['HANDLE', (it) => [it.handle_type, ...(it.further_handle_types ?? [])].join(' ')],
  ['CONTENTS', (it) => (it.size === null ? contents(it) : `buffer of ${bytes(it.size)}`)],
  ['USAGE', (spec) => spec.usage.join(' ')],
  ['SPARES', (spec) => spec.spares],
  ['EACH', (spec) => bytes(spec.spare_bytes)],
  ['HITS', (spec) => spec.hits],
  ['ASKED', (spec) => age(spec.last_asked_at)],
];

export const poolCommand: MakeCommand = (program) => {
  program
    .command('pool')
    .description('spare memory that is kept for what is asked for often, and how often it served')
    .option('--drain', 'free all of it')
    .action(
      tell(
        (rest, { drain }: { drain?: boolean }) =>
          (drain ? rest.delete('/v1/pool') : rest.get('/v1/pool')) as Promise<
            PoolInfo | PoolDrained
          >,
        (answer) =>
          'specs' in answer
            ? print(answer)
            : say(`freed ${answer.spares} spares, ${bytes(answer.bytes)}`),
      ),
    );
};

function print(pool: PoolInfo): void {
  const { limits, hits, misses, specs } = pool;
  printFields([
    ['spares', `${pool.spares}, ${bytes(pool.bytes)}`],
    ...pool.memories.map((each): [string, string] => [
      each.device ?? "the machine's memory",
      `${bytes(each.bytes)} of at most ${bytes(each.limit)}`,
    ]),
    ['for each', `${limits.spares_per_spec}, until unasked for ${span(limits.idle_seconds)}`],
    ['allocations', `${hits} from the pool, ${misses} not`],
  ]);
  say('');
  printTable(COLUMNS, specs, 'nothing is asked for often');
}
