/** Tables of kept figures, as cells: of one run, and of several machines side by side. */
import type { Row } from './bench.js';
import { figure, judged, median, spreadText } from './report.js';
import type { Results, Run } from './results.js';

type Rows = readonly (readonly string[])[];

/** The case is named once, in the first of its rows. */
function withoutRepeats(rows: string[][]): string[][] {
  return rows.map((row, i) => (i > 0 && rows[i - 1]?.[0] === row[0] ? ['', ...row.slice(1)] : row));
}

/** Rows that are held against the same thing share a table, whose head says what. */
export function sidesOf(rows: readonly Row[]): [head: string[], rows: Row[]][] {
  const groups = new Map<string, [string[], Row[]]>();
  for (const row of rows) {
    const [side, other] = row.sides;
    const head =
      other === undefined
        ? ['case', 'what', side]
        : ['case', 'what', side, other, `${side} / ${other}`];
    const group = groups.get(head.join('|')) ?? [head, []];
    group[1].push(row);
    groups.set(head.join('|'), group);
  }
  return [...groups.values()];
}

/** What is shown of a row, beside its name. */
function cells(row: Row): string[] {
  const { values, against } = row;
  if (against.length === 0) return [spreadText(judged(row))];
  return [figure(median(values)), figure(median(against)), spreadText(judged(row))];
}

/** The cells below a head of `sidesOf`. */
export const runRows = (rows: readonly Row[]): Rows =>
  withoutRepeats(rows.map((row) => [row.case, row.what, ...cells(row)]));

export const keyOf = ({ case: name, what, sides }: Row) => [name, what, ...sides].join('|');

/** A benchmark on all machines that have run it: a table for each pair of sides, machines beside each other. */
export function machinesTables(
  name: string,
  results: readonly Results[],
): { head: string[]; rows: Rows }[] {
  const runs = results.flatMap(({ label, runs }): [string, Run][] => {
    const run = runs[name];
    return run === undefined ? [] : [[label, run]];
  });
  // In the order of whoever has run it last in the list, and what only others have after it.
  const known = new Map(
    runs.toReversed().flatMap(([, { rows }]) => rows.map((row) => [keyOf(row), row])),
  );
  return sidesOf([...known.values()]).map(([[, , ...columns], rows]) => ({
    head: [
      'case',
      'what',
      ...runs.flatMap(([label]) => columns.map((each) => `${label}: ${each}`)),
    ],
    rows: withoutRepeats(
      rows.map((row) => [
        row.case,
        row.what,
        ...runs.flatMap(([, run]) => {
          const found = run.rows.find((each) => keyOf(each) === keyOf(row));
          return found === undefined ? columns.map(() => '–') : cells(found);
        }),
      ]),
    ),
  }));
}
