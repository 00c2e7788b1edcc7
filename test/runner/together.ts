/**
 * Runs several test files in one process, one after the other, and prints their TAP as one stream, in
 * which a comment tells where the next one's begins (tap.ts reads it). A file begins when the one before has done all,
 * its daemon ended among it.
 *
 *   node dist/bundle-tests/runner/together.js broker/tokens broker/turns
 *
 * For the files that lists.ts names alone: they share whatever a process has.
 */
import { t } from 'tap';
import { beginning } from './beginning.js';
import { beFor } from './file-tap.js';

for (const name of process.argv.slice(2)) {
  t.comment(beginning(name));
  await t.test(name, async (t) => {
    beFor(t);
    await import(new URL(`../../bundle-tests/${name}.test.js`, import.meta.url).href);
  });
}
