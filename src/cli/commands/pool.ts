/** `dmabrokerctl pool`: the spares that the daemon keeps, and what for. */
import type { Command } from 'commander';
import type { PoolDrained, PoolInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { contents } from '../describe.js';
import { age, bytes, printFields, printJson, printTable } from '../output.js';

const HEAD = ['SOURCE', 'HANDLE', 'CONTENTS', 'USAGE', 'SPARES', 'EACH', 'HITS', 'ASKED'];

export const poolCommand: MakeCommand = (program) => {
  program
    .command('pool')
    .description('spare memory that is kept for what is asked for often, and how often it served')
    .option('--drain', 'free all of it')
    .action(async ({ drain }: { drain?: boolean }, command: Command) => {
      const { rest, json } = common(command);
      if (drain) {
        const freed = await rest.delete<PoolDrained>('/v1/pool');
        if (json) return printJson(freed);
        process.stdout.write(`freed ${freed.spares} spares, ${bytes(freed.bytes)}\n`);
        return;
      }
      const pool = await rest.get<PoolInfo>('/v1/pool');
      if (json) return printJson(pool);
      const { limits, hits, misses, specs } = pool;
      printFields([
        ['spares', `${pool.spares}, ${bytes(pool.bytes)} of at most ${bytes(limits.bytes)}`],
        ['for each', `${limits.spares_per_spec}, until unasked for ${limits.idle_seconds} s`],
        ['allocations', `${hits} from the pool, ${misses} not`],
      ]);
      process.stdout.write('\n');
      await printTable(HEAD, specs.map(row), 'nothing is asked for often');
    });
};

function row(spec: PoolInfo['specs'][number]): string[] {
  return [
    spec.source,
    spec.handle_type,
    spec.size === null ? contents(spec) : `buffer of ${bytes(spec.size)}`,
    spec.usage.join(' '),
    String(spec.spares),
    bytes(spec.spare_bytes),
    String(spec.hits),
    age(spec.last_asked_at),
  ];
}
