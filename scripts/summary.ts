/**
 * Counts the assertions of a TAP stream, subtests' own included, and prints them as the last line:
 * `N passed, N failed, N skipped`. Exits 1 if anything failed, or if nothing passed.
 *
 *   node dist/scripts/summary.js <file>
 */
import { createReadStream } from 'node:fs';
import { Parser, type Result } from 'tap-parser';

const counts = { passed: 0, failed: 0, skipped: 0 };

function count(parser: Parser): void {
  // A subtest is summed up by an assertion of its parent's, which would count it twice.
  let hasChild = false;
  parser.on('child', (child: Parser) => {
    hasChild = true;
    count(child);
  });
  parser.on('assert', (result: Result) => {
    const summary = hasChild;
    hasChild = false;
    if (result.skip !== false) counts.skipped++;
    else if (!result.ok && result.todo === false) counts.failed++;
    else if (!summary) counts.passed++;
  });
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: summary.js <file>');
const parser = new Parser();
count(parser);
const complete = new Promise((resolve) => parser.on('complete', resolve));
createReadStream(file).pipe(parser);
await complete;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && counts.passed > 0 && parser.ok ? 0 : 1;
