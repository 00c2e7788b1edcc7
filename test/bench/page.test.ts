/** docs/performance.md is what the kept figures make of it, and its picture; each benchmark has its place there. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { BENCHES } from '../../bench/cases/index.js';
import { placeOf, targetsChart } from '../../bench/support/chart.js';
import { CHART, namesIn, PAGE, pageOf } from '../../bench/support/page.js';
import { readAll } from '../../bench/support/results.js';
import { foundOf, isMet, TARGETS } from '../../bench/support/targets.js';
import { results, row, run } from './support.js';

const page = readFileSync(PAGE, 'utf8');

t.test('the page is not stale', async (t) => {
  const kept = readAll();
  t.equal(page, pageOf(page, kept), 'npm run bench -- --page makes it anew');
  t.equal(readFileSync(CHART, 'utf8'), targetsChart(kept));
});

t.test('each benchmark has one place in it', async (t) => {
  const names = BENCHES.map(({ name }) => name);
  t.same(namesIn(page).toSorted(), [...names, 'machines', 'targets'].toSorted());
  t.equal(new Set(names).size, names.length);
});

t.test('what is kept is of benchmarks that there are, and tells no host', async (t) => {
  for (const { label, runs } of readAll()) {
    for (const [name, { rows, commit, command }] of Object.entries(runs)) {
      t.ok(
        BENCHES.some((bench) => bench.name === name),
        `${label}: ${name}`,
      );
      t.ok(rows.length > 0, `${label}: ${name} has rows`);
      t.match(commit, /^[0-9a-f]{7,}\+?$/);
      t.match(command, new RegExp(`^npm run bench -- .*\\b${name}$`));
    }
    t.notMatch(JSON.stringify(runs), /\/(?:home|root|tmp|work)\//);
  }
});

t.test('blocks are made of figures, and the words around them stay', async (t) => {
  const text = 'before\n<!-- made of roundtrip -->\nold\n<!-- made -->\nafter\n';
  const none = pageOf(text, []);
  t.match(
    none,
    /^before\n<!-- made of roundtrip -->\nNot measured [^\n]*\n<!-- made -->\nafter\n$/,
  );
  const made = pageOf(none, [results('box', { roundtrip: run([row()], { notes: ['A note.'] }) })]);
  t.match(
    made,
    '| case | what | box: daemon | box: C | box: daemon / C |\n|---|---|---|---|---|\n',
  );
  t.match(made, '| sync, 1 connection, one CPU | p50 µs | 14.0 | 10.0 | 1.40 (1.20–1.60) |\n');
  t.match(
    made,
    /box: `npm run bench[^\n]*commit abc1234, 3 rounds of 100, load 0.1 at the start. A note.\n/,
  );
  t.equal(pageOf(made, []), none);
  t.throws(() => pageOf(text.replace('roundtrip', 'nothing'), []), /nothing/);
});

t.test('machines stand beside each other', async (t) => {
  const text = '<!-- made of roundtrip -->\n<!-- made -->';
  const made = pageOf(text, [
    results('one', { roundtrip: run([row(), row({ what: 'p99 µs' })]) }),
    results('two', { roundtrip: run([row({ values: [20, 20, 20] })]) }),
  ]);
  t.match(
    made,
    '| sync, 1 connection, one CPU | p50 µs | 14.0 | 10.0 | 1.40 (1.20–1.60) | 20.0 | 10.0 | 2.00 |\n',
  );
  t.match(made, '|  | p99 µs | 14.0 | 10.0 | 1.40 (1.20–1.60) | – | – | – |\n');
});

t.test('targets', async (t) => {
  const [sync] = TARGETS;
  if (sync === undefined) throw new Error('there are no targets');
  const kept = results('box', { roundtrip: run([row()]) });
  const found = foundOf(sync, kept);
  t.same(found, { median: 1.4, least: 1.2, most: 1.6 });
  t.ok(found && isMet(sync, found));
  t.equal(foundOf(sync, results('other', {})), null);
  const throughput = TARGETS.find(({ is }) => is === 'at least');
  t.ok(throughput && isMet(throughput, { median: 0.7, least: 0.5, most: 1 }));
  t.notOk(throughput && isMet(throughput, { median: 0.5, least: 0.5, most: 1 }));
  for (const { bench, what } of TARGETS)
    t.ok(
      BENCHES.some(({ name }) => name === bench),
      what,
    );
  t.match(
    pageOf('<!-- made of targets -->\n<!-- made -->', [kept]),
    '| sync, p50, one CPU / C | at most 1.5 | 1.40 (1.20–1.60), met |\n',
  );
});

t.test('the picture', async (t) => {
  t.ok(placeOf(1) > placeOf(0.5));
  t.equal(placeOf(1e9), placeOf(100), 'a bar ends at the edge');
  const svg = targetsChart([results('a<b', { roundtrip: run([row()]) })]);
  t.match(svg, '(a&lt;b)');
  t.equal(svg.match(/<rect x=/g)?.length, 1);
});
