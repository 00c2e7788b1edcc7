/** `npm run bench -- --quick`, and what is typed: bench/support/compare.ts, command-line.ts, results.ts. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { amountOf, commandOf, parse, UsageError } from '../../bench/support/command-line.js';
import { comparison, verdictOf } from '../../bench/support/compare.js';
import { merged, readAll, readResults, writeResults } from '../../bench/support/results.js';
import { temporaryFolder } from '../support/folder.js';
import { results, row, run } from './support.js';

t.test('each ratio beside the kept one', async (t) => {
  const before = run([row(), row({ what: 'thousand/s', better: 'more' })]);
  const now = run([
    row({ values: [20, 21, 22] }),
    row({ what: 'thousand/s', better: 'more', values: [20, 21, 22] }),
    row({ what: 'p99 µs' }),
  ]);
  const { rows, worse } = comparison(now, before);
  t.equal(worse, 1);
  const ratio = 'daemon / C';
  const name = 'sync, 1 connection, one CPU';
  t.same(rows, [
    [name, 'p50 µs', ratio, '2.10 (2.00–2.20)', '1.40 (1.20–1.60)', '**worse**'],
    [name, 'thousand/s', ratio, '2.10 (2.00–2.20)', '1.40 (1.20–1.60)', 'better'],
    [name, 'p99 µs', ratio, '1.40 (1.20–1.60)', '–', 'not kept'],
  ]);
  t.equal(comparison(now, undefined).worse, 0);
  t.equal(verdictOf(comparison(now, before), 'box'), '1 worse than the last kept run of box.');
  t.equal(
    verdictOf(comparison(now, undefined), 'nope'),
    'Nothing of this is kept of nope: there is nothing to compare it with.',
  );
});

t.test('the command line', async (t) => {
  const line = parse(['--quick', '--machine=h200', '--rounds=3', 'roundtrip']);
  t.match(line, { quick: true, label: 'h200', ofRecord: true, named: true });
  const [bench] = line.benches;
  if (bench === undefined) throw new Error('there is none');
  t.same(amountOf(bench, line), { rounds: 3, requests: bench.quick?.requests });
  t.equal(commandOf(bench, line), 'npm run bench -- --quick --machine=h200 --rounds=3 roundtrip');
  const all = parse([]);
  t.ok(all.benches.length > 10);
  t.match(all, { label: 'local', ofRecord: false, named: false, guest: true });
  const slow = all.benches.find(({ quick }) => quick === null);
  t.ok(slow && amountOf(slow, { ...all, quick: true }) === null, 'left out of --quick');
  t.ok(slow && amountOf(slow, { ...all, quick: true, named: true }), 'unless it is named');
  for (const wrong of ['--rounds=0', '--machine=../x', 'nothing', '--what']) {
    try {
      parse([wrong]);
      t.fail(`${wrong} is refused`);
    } catch (error) {
      t.ok(error instanceof UsageError && error.message.includes(wrong), String(error));
    }
  }
});

t.test('what is kept', async (t) => {
  const folder = temporaryFolder(t);
  t.same(readResults(folder, 'box').runs, {});
  const first = results('box', { roundtrip: run([row()]), crowd: run([row({ values: [1 / 3] })]) });
  const file = writeResults(folder, first);
  const read = readResults(folder, 'box');
  t.same(read.runs.roundtrip, first.runs.roundtrip);
  t.same(read.runs.crowd?.rows[0]?.values, [0.3333], 'four digits');
  const again = run([row({ values: [1, 2, 3] })]);
  writeResults(folder, merged(read, { roundtrip: again }));
  t.same(readResults(folder, 'box').runs.roundtrip, again, 'the last run of each');
  t.same(readResults(folder, 'box').runs.crowd, read.runs.crowd);
  t.same(
    readAll(folder).map(({ label }) => label),
    ['box'],
  );
  t.ok(readFileSync(file, 'utf8').split('\n').length > 4, 'a row a line');
});
