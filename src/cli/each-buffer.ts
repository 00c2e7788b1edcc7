/**
 * Commands that do something to one buffer after the other: to those that are named, or to all that filters
 * match. What filters match is done something to where --all-matching says so; --dry-run only shows it.
 */
import type { Command } from 'commander';
import type { BufferInfo } from '../rest/contract.js';
import { addBufferFilters, type BufferFilters, filterQuery, withDevice } from './buffer-filters.js';
import { wholeIds } from './buffer-id.js';
import { BUFFERS } from './columns.js';
import { bufferPath, common } from './command.js';
import { EXIT_REFUSED, Refused, Usage } from './failure.js';
import { Names } from './names.js';
import { printJson, printTable, say } from './output.js';
import { printable } from './printable.js';
import type { Rest } from './rest.js';

interface Options extends BufferFilters {
  readonly dryRun?: boolean;
  readonly allMatching?: boolean;
}

/**
 * Makes of a command one for several buffers. `act` is asked for each, with the command's options; `told` is
 * the sentence about its answer.
 */
export function eachBuffer<Answer, Own>(
  command: Command,
  act: (rest: Rest, id: string, options: Own) => Promise<Answer>,
  told: (answer: Answer) => string,
): Command {
  return addBufferFilters(command.argument('[id...]', 'ids of buffers, or beginnings of them'))
    .option('--dry-run', 'only show which buffers these are')
    .option('--all-matching', 'do it to all that the filters match')
    .action(async (given: string[], options: Options & Own, self: Command) => {
      const { rest, json } = common(self);
      const ids = await chosen(rest, given, options);
      if (options.dryRun) {
        const buffers: BufferInfo[] = [];
        for (const id of ids) buffers.push(await rest.get<BufferInfo>(bufferPath(id)));
        if (json) return printJson(buffers);
        return printTable(BUFFERS, buffers, 'no buffers', await Names.of(rest).learn(buffers));
      }
      const answers: Answer[] = [];
      for (const id of ids) {
        try {
          const answer = await act(rest, id, options);
          answers.push(answer);
          if (!json) say(told(answer));
        } catch (error) {
          // One of several is no reason to leave the others.
          if (!(error instanceof Refused) || given.length === 1) throw error;
          process.exitCode = EXIT_REFUSED;
          const text = json ? JSON.stringify(error.report) : `dmabrokerctl: ${error.message}`;
          process.stderr.write(`${printable(text)}\n`);
        }
      }
      if (json) printJson(given.length === 1 ? answers[0] : answers);
      else if (ids.length === 0) say('no buffer matches');
    });
}

async function chosen(rest: Rest, given: readonly string[], options: Options): Promise<string[]> {
  const query = filterQuery(await withDevice(rest, options));
  if (given.length > 0) {
    if (query.size > 0) throw new Usage('give ids or filters (--unit, --state, …), not both');
    const wrong = given.find((id) => !/^[a-z2-7]+$/.test(id));
    // Before anything is done: it may have been meant otherwise.
    if (wrong !== undefined) throw new Usage(`${wrong} is no id of a buffer`);
    return [...new Set(await wholeIds(rest, given))];
  }
  if (query.size === 0) throw new Usage('no buffer is named: give ids, or filters such as --unit');
  const { items } = await rest.page<BufferInfo>('/v1/buffers', query);
  // What is released is listed while somebody has it, and nothing more can be done to it.
  const meant = options.state === undefined ? items.filter(isLive) : items;
  if (options.dryRun || options.allMatching || meant.length === 0) return meant.map(({ id }) => id);
  throw new Usage(
    `${meant.length} buffers match: --dry-run shows them, --all-matching does it to them`,
  );
}

const isLive = ({ released_at }: BufferInfo) => released_at === null;
