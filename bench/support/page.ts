/**
 * docs/performance.md: what stands between `<!-- made of NAME -->` and `<!-- made -->` is made of the kept figures,
 * and everything around it is written by hand. NAME is a benchmark, `targets` or `machines`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { BENCHES } from '../cases/index.js';
import { targetsChart } from './chart.js';
import { spreadText } from './report.js';
import { type Results, readAll } from './results.js';
import { machinesTables } from './tables.js';
import { foundOf, isMet, TARGETS } from './targets.js';

export const PAGE = join(packageRoot, 'docs', 'performance.md');
export const CHART = join(packageRoot, 'docs', 'performance-targets.svg');

/** No columns are aligned: they would change with every figure. */
const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${'---|'.repeat(head.length)}`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
];

function targets(results: readonly Results[]): string[] {
  const labels = results.map(({ label }) => label);
  const rows = TARGETS.map((target) => {
    const found = results.map((each) => {
      const spread = foundOf(target, each);
      if (spread === null) return '–';
      return `${spreadText(spread)}${isMet(target, spread) ? ', met' : ''}`;
    });
    return [target.what, `${target.is} ${target.limit}`, ...found];
  });
  return [
    ...markdown(['ratio', 'target', ...labels], rows),
    '',
    `![The targets](performance-targets.svg)`,
  ];
}

function machines(results: readonly Results[]): string[] {
  const rows = results.flatMap(({ label, about, runs }) => {
    const all = Object.values(runs);
    const run = all.find(({ guest }) => !guest) ?? all[0];
    if (run === undefined) return [];
    const { cpus, model, arch, kernel, node } = run.machine;
    return [[label, `${cpus} × ${model} (${arch})`, kernel, node, about]];
  });
  return markdown(['machine', 'CPUs', 'kernel', 'Node', ''], rows);
}

function bench(name: string, results: readonly Results[]): string[] {
  if (!BENCHES.some((each) => each.name === name))
    throw new Error(`no benchmark is called ${name}`);
  const tables = machinesTables(name, results).flatMap(({ head, rows }, i) => [
    ...(i > 0 ? [''] : []),
    ...markdown(head, rows),
  ]);
  if (tables.length === 0) return ['Not measured on a machine of record yet.'];
  const runs = results.flatMap(({ label, runs: { [name]: run } }) => {
    if (run === undefined) return [];
    const { command, commit, rounds, requests, guest, machine, notes } = run;
    const many = requests > 1 ? ` of ${requests}` : '';
    const where = guest ? `, in a guest (${machine.kernel})` : '';
    const load = `load ${machine.load[0]?.toFixed(1)} at the start`;
    const head = `${label}${where}: \`${command}\`, commit ${commit}, ${rounds} rounds${many}, ${load}.`;
    return ['', [head, ...notes].join(' ')];
  });
  return [...tables, ...runs];
}

const made: Readonly<Record<string, (results: readonly Results[]) => string[]>> = {
  targets,
  machines,
};

const BLOCK = /(<!-- made of ([\w-]+) -->\n)[\s\S]*?(<!-- made -->)/g;

/** The page with everything that is made of figures made anew. */
export const pageOf = (text: string, results: readonly Results[]): string =>
  text.replaceAll(BLOCK, (_, begin: string, name: string, end: string) => {
    const lines = made[name]?.(results) ?? bench(name, results);
    return `${begin}${lines.join('\n')}\n${end}`;
  });

/** What the page has blocks for. */
export const namesIn = (text: string): string[] =>
  [...text.matchAll(BLOCK)].map(([, , name = '']) => name);

export function writePage(): string {
  const results = readAll();
  writeFileSync(PAGE, pageOf(readFileSync(PAGE, 'utf8'), results));
  writeFileSync(CHART, targetsChart(results));
  return PAGE;
}
