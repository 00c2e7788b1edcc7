/** The maths of the benchmarks' reports: bench/support/report.ts. */
import t from 'tap';
import type { Row } from '../../bench/support/bench.js';
import {
  compared,
  figure,
  judged,
  median,
  percentile,
  ratio,
  ratios,
  spread,
  spreadText,
} from '../../bench/support/report.js';

t.test('medians and percentiles', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5, 'of an even number the middle of two');
  t.ok(Number.isNaN(median([])));
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  t.equal(percentile(hundred, 0.99), 100);
  t.equal(percentile(hundred, 0.5), 51);
  t.equal(percentile([7], 0.99), 7);
});

t.test('figures have three digits', async (t) => {
  const shown = [0.1234, 1.234, 12.34, 123.4, 1234.5, 0].map(figure);
  t.same(shown, ['0.12', '1.23', '12.3', '123', '1235', '0.00']);
  t.equal(figure(Number.NaN), '–');
});

t.test('a ratio is of rounds, not of medians', async (t) => {
  // Both sides of the third round were disturbed alike.
  const [x, y] = [
    [2, 4, 60],
    [1, 2, 30],
  ];
  t.same(ratios(x ?? [], y ?? []), [2, 2, 2]);
  t.equal(ratio(x ?? [], y ?? []), '2.00');
  t.equal(ratio([1, 2, 9], [1, 1, 1]), '2.00 (1.00–9.00)');
  t.equal(spreadText(spread([3])), '3.00');
});

t.test('a row is judged by its ratios, or by itself', async (t) => {
  const row: Row = {
    case: 'c',
    what: 'p50 µs',
    better: 'less',
    sides: ['daemon', 'C'],
    values: [10, 30],
    against: [5, 10],
  };
  t.same(judged(row), { median: 2.5, least: 2, most: 3 });
  t.same(judged({ ...row, against: [] }), { median: 20, least: 10, most: 30 });
});

t.test('worse is beyond the spread', async (t) => {
  const before = spread([2, 2.1, 2.2]);
  t.equal(compared(spread([2.1, 2.15, 2.3]), before, 'less'), 'same');
  t.equal(
    compared(spread([2.05, 2.5, 2.6]), before, 'less'),
    'same',
    'their median is in its rounds',
  );
  t.equal(compared(spread([2.3, 2.5, 2.6]), before, 'less'), 'worse');
  t.equal(compared(spread([1.3, 1.5, 1.6]), before, 'less'), 'better');
  t.equal(compared(spread([2.3, 2.5, 2.6]), before, 'more'), 'better');
  t.equal(compared(spread([1.3, 1.5, 1.6]), before, 'more'), 'worse');
  t.equal(compared(spread([9, 9, 9]), before, 'neither'), 'same');
});
