/**
 * Runs several test files in one process, one after the other, and prints their TAP as one stream, in
 * which a comment tells where the next one's begins (tap.ts reads it).
 *
 *   node dist/bundle-tests/runner/together.js broker/tokens broker/turns
 *
 * For files of pure code alone (lists.ts): they share whatever a process has.
 */
import t from 'tap';
import { beginning } from './beginning.js';

for (const name of process.argv.slice(2)) {
  // In tap's own queue: printed after all of the files before, whose tests run later than their import.
  t.comment(beginning(name));
  await import(new URL(`../../bundle-tests/${name}.test.js`, import.meta.url).href);
}
