/** The targets as a picture: a bar for each ratio, on a logarithmic scale, and a stroke where the target is. */
import { figure } from './report.js';
import type { Results } from './results.js';
import { foundOf, isMet, TARGETS } from './targets.js';

/** Names are to the left, figures to the right. */
const [LEFT, WIDTH, RIGHT] = [540, 400, 130];
const [ROW, BAR, TOP] = [20, 12, 30];
const [LEAST, MOST] = [0.1, 100];
const MARKS = [0.1, 1, 10, 100];
const COLOURS = { met: '#2a7f62', missed: '#b3541e', target: '#1d3557', grid: '#cccccc' };

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (value: number) => Number(value.toFixed(1));

/** Where a ratio is, in pixels from the left. */
export function placeOf(ratio: number): number {
  const within = Math.min(MOST, Math.max(LEAST, ratio));
  return round(LEFT + (WIDTH * Math.log(within / LEAST)) / Math.log(MOST / LEAST));
}

export function targetsChart(results: readonly Results[]): string {
  const bars = TARGETS.flatMap((target) =>
    results.flatMap((each) => {
      const spread = foundOf(target, each);
      return spread === null ? [] : [{ target, label: each.label, spread }];
    }),
  );
  const height = TOP + bars.length * ROW + 10;
  const text = (x: number, y: number, words: string, more = '') =>
    `<text x="${x}" y="${y}"${more}>${escaped(words)}</text>`;
  const grid = MARKS.flatMap((mark) => [
    `<path d="M${placeOf(mark)} ${TOP - 6}V${height}" stroke="${COLOURS.grid}"/>`,
    text(placeOf(mark), TOP - 12, `${mark}`, ' text-anchor="middle"'),
  ]);
  const lines = bars.flatMap(({ target, label, spread }, i) => {
    const y = TOP + i * ROW;
    const [least, most] = [placeOf(spread.least), placeOf(spread.most)];
    const end = placeOf(spread.median);
    const colour = isMet(target, spread) ? COLOURS.met : COLOURS.missed;
    const middle = y + BAR / 2;
    return [
      text(LEFT - 8, y + BAR - 2, `${target.what} (${label})`, ' text-anchor="end"'),
      `<rect x="${LEFT}" y="${y}" width="${round(end - LEFT)}" height="${BAR}" fill="${colour}"/>`,
      `<path d="M${least} ${middle}H${most}" stroke="#000000"/>`,
      `<path d="M${placeOf(target.limit)} ${y - 2}v${BAR + 4}" stroke="${COLOURS.target}" stroke-width="3"/>`,
      text(LEFT + WIDTH + 8, y + BAR - 2, `${figure(spread.median)}, ${target.is} ${target.limit}`),
    ];
  });
  const size = `width="${LEFT + WIDTH + RIGHT}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">`,
    '<title>The targets, and what was measured</title>',
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...grid,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
