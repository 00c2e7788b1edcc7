/** Bars of how much of a limit is used: each beside its numbers, since a bar alone says nothing. */
import { cells, cut, padded } from '../table.js';

export interface Gauge {
  readonly label: string;
  readonly used: number;
  /** null: there is none, and no bar. */
  readonly limit: number | null;
  /** Both in words. */
  readonly numbers: string;
}

/** Blocks of an eighth, two eighths, … (U+2588 to U+258F). */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const WIDEST = 40;
/** Less than this says nothing. */
const NARROWEST = 5;

/** From this part on a limit is near. */
const NEAR = 0.9;
export const isNear = ({ used, limit }: Gauge): boolean => limit !== null && used >= limit * NEAR;

/** A bar of so many cells. */
export function bar(used: number, limit: number, width: number, unicode: boolean): string {
  const part = limit > 0 ? Math.min(1, Math.max(0, used / limit)) : Number(used > 0);
  const eighths = Math.round(part * width * 8);
  const whole = Math.floor(eighths / 8);
  const filled = unicode
    ? '█'.repeat(whole) + (EIGHTHS[eighths % 8] ?? '')
    : '#'.repeat(Math.round(eighths / 8));
  return padded(filled, width);
}

/** A line each, bars and numbers in columns of their own. */
export function gaugeLines(gauges: readonly Gauge[], width: number, unicode: boolean): string[] {
  const widest = (of: (gauge: Gauge) => string) =>
    Math.max(0, ...gauges.map((gauge) => cells(of(gauge))));
  const numbers = widest((gauge) => gauge.numbers);
  const label = Math.min(
    widest((gauge) => gauge.label),
    Math.max(8, Math.floor(width / 4)),
  );
  // The label, two spaces, [, the bar, ], two spaces, the numbers.
  const room = Math.min(WIDEST, width - label - numbers - 6);
  return gauges.map((gauge) => {
    const { used, limit } = gauge;
    const named = padded(cut(gauge.label, label), label + 2);
    if (room < NARROWEST) return cut(`${named}${gauge.numbers}`, width);
    const drawn = limit === null ? '' : `[${bar(used, limit, room, unicode)}]`;
    return cut(`${named}${padded(drawn, room + 4)}${gauge.numbers}`, width);
  });
}

/** Whether the terminal shows more than ASCII, as its locale says (locale(7): the first that is set counts). */
export function hasUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}
