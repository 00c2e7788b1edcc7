/** `--quick`: each ratio beside the last kept one. */
import type { Row } from './bench.js';
import { compared, judged, spreadText } from './report.js';
import type { Run } from './results.js';
import { keyOf } from './tables.js';

export interface Comparison {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many got worse beyond the spread. */
  readonly worse: number;
  /** How many there was something kept of. */
  readonly known: number;
}

/** What `--quick` ends with. */
export function verdictOf(
  { worse, known }: Omit<Comparison, 'head' | 'rows'>,
  label: string,
): string {
  if (known === 0)
    return `Nothing of this is kept of ${label}: there is nothing to compare it with.`;
  return `${worse} worse than the last kept run of ${label}.`;
}

export function comparison(now: Run, before: Run | undefined): Comparison {
  const kept = new Map(before?.rows.map((row) => [keyOf(row), row]));
  let worse = 0;
  let known = 0;
  const line = (row: Row): string[] => {
    const [side, other] = row.sides;
    const what = other === undefined ? side : `${side} / ${other}`;
    const old = kept.get(keyOf(row));
    const spread = judged(row);
    if (old === undefined) return [row.case, row.what, what, spreadText(spread), '–', 'not kept'];
    known++;
    const verdict = compared(spread, judged(old), row.better);
    if (verdict === 'worse') worse++;
    const mark = { worse: '**worse**', better: 'better', same: '' }[verdict];
    return [row.case, row.what, what, spreadText(spread), spreadText(judged(old)), mark];
  };
  const rows = now.rows.map(line);
  const old = before === undefined ? 'kept' : `kept, of ${before.commit}`;
  return { head: ['case', 'what', 'ratio of', 'now', old, ''], rows, worse, known };
}
