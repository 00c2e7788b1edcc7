/**
 * How wide a table's columns may be at a terminal: what does not fit is wrapped, so that nothing is
 * lost. The first column is what rows are named by, and stays whole.
 */

import stringWidth from 'string-width';

/** No column gets narrower than this, or than its head. */
const NARROWEST = 10;

/** The widths that fit, without the gaps between columns; wide ones give way, the widest first. */
export function columnWidths(
  lines: readonly (readonly string[])[],
  available: number,
  gap: number,
): number[] {
  const [head = []] = lines;
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => stringWidth(line[column] ?? ''))),
  );
  const least = head.map((name, column) =>
    column === 0 ? (widths[0] ?? 0) : Math.max(NARROWEST, name.length),
  );
  const total = () => widths.reduce((sum, width) => sum + width + gap, 0);
  while (total() > available) {
    let widest = -1;
    for (const [column, width] of widths.entries()) {
      if (width > (least[column] ?? 0) && width > (widths[widest] ?? 0)) widest = column;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
