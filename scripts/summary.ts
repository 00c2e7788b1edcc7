/**
 * Prints tap's own counts, which the runner appends to its TAP (`# { total: 9, pass: 8, skip: 1 }`,
 * every assertion of every subtest), as the last line `N passed, N failed, N skipped`. Exits 1 if
 * anything failed, if nothing passed, or if the stream has no counts because the runner died.
 *
 *   node dist/scripts/summary.js <file>
 */
import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: summary.js <file>');
const found = [...readFileSync(file, 'utf8').matchAll(/^# \{ (.*) \}$/gm)].at(-1)?.[1];
if (found === undefined) {
  console.error(`${file} has no counts: the runner did not come to its end`);
  process.exit(1);
}
const counts = new Map(
  found.split(', ').map((entry) => {
    const [name = '', value] = entry.split(': ');
    return [name, Number(value)];
  }),
);
const of = (name: string) => counts.get(name) ?? 0;
console.log(`${of('pass')} passed, ${of('fail')} failed, ${of('skip')} skipped`);
process.exitCode = of('fail') === 0 && of('pass') > 0 ? 0 : 1;
