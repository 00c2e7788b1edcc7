/**
 * What a person sees of a run, and what is kept of it.
 */
import type { Contention } from './contention.js';
import type { Execution } from './execute.js';
import { label, type TestFile } from './files.js';
import { LIMIT_SECONDS, SLOW } from './lists.js';

type Results = ReadonlyMap<TestFile, Execution>;

export function printFile(file: TestFile, { passed, failed, skipped, seconds }: Execution): void {
  const counts = [`${passed} passed`];
  if (failed > 0) counts.push(`${failed} failed`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  const verdict = failed > 0 ? 'FAIL' : ' ok ';
  console.log(
    `${verdict} ${seconds.toFixed(1).padStart(6)} s  ${label(file)}  ${counts.join(', ')}`,
  );
}

/** Each failed assertion, and the reason of each skip. */
export function printFailures(results: Results): void {
  for (const [file, { failures }] of results) {
    for (const failure of failures) {
      const [title, ...details] = failure.split('\n');
      console.log(
        [`\nFAIL ${label(file)}: ${title}`, ...details.map((line) => `    ${line}`)].join('\n'),
      );
    }
  }
  for (const [file, { skips }] of results) {
    for (const reason of skips) console.log(`skipped in ${label(file)}: ${reason}`);
  }
}

/** The ten slowest files. */
export function printSlowest(results: Results, contention: Contention): void {
  const slowest = [...results].sort(([, a], [, b]) => b.seconds - a.seconds);
  console.log('\nThe slowest files:');
  for (const [file, { seconds }] of slowest.slice(0, 10)) {
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${label(file)}`);
  }
  if (contention.ratio !== undefined) {
    console.log(`A second of a CPU took ${contention.ratio.toFixed(1)} s here.`);
  }
}

/** Those that took longer than they may, beside the others. */
export function lateFiles(results: Results): TestFile[] {
  return [...results]
    .filter(([file, { seconds }]) => seconds > LIMIT_SECONDS && !SLOW.has(label(file)))
    .map(([file]) => file);
}

/** Prints which took longer than they may with nothing beside them, and returns how many. */
export function printLate(alone: Results): number {
  const late = lateFiles(alone);
  for (const file of late) {
    console.log(
      `FAIL ${label(file)} took more than ${LIMIT_SECONDS} s: make it shorter, leave what is a soak to the ` +
        'night, or give the reason in test/runner/lists.ts',
    );
  }
  return late.length;
}

/** All files' TAP as one stream, a subtest a file. */
export function tapOf(results: Results): string {
  const lines = ['TAP version 14'];
  let count = 0;
  for (const [file, { tap, failed, seconds }] of results) {
    const name = label(file);
    count += 1;
    lines.push(`# Subtest: ${name}`);
    for (const line of tap.trimEnd().split('\n')) lines.push(line === '' ? '' : `    ${line}`);
    const verdict = failed === 0 ? 'ok' : 'not ok';
    lines.push(`${verdict} ${count} - ${name} # time=${Math.round(seconds * 1000)}ms`);
  }
  return [...lines, `1..${count}`, ''].join('\n');
}
