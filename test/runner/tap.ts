/**
 * What a test file's TAP says, read with tap's own parser: how many assertions passed, failed and were
 * skipped, at any depth, and which failed. A subtest's closing line is no assertion, unless it alone
 * says that the subtest failed (a plan that was not kept, a time-out). Of files that shared a process
 * (together.ts) or a guest (vm/guest-file.ts) each has an outcome of its own.
 */
import { dump } from 'js-yaml';
import { Parser, type Result } from 'tap-parser';
import { BEGINNING } from './beginning.js';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Outcome extends Counts {
  /** For a person: each failed assertion with what tap told about it. */
  readonly failures: string[];
  /** Why assertions were skipped, each reason once. */
  readonly skips: string[];
}

export const nothing = (): Outcome => ({
  passed: 0,
  failed: 0,
  skipped: 0,
  failures: [],
  skips: [],
});

/** What one file did of those whose stream it is. */
interface Part {
  readonly outcome: Outcome;
  /** performance.now(). */
  readonly began: number;
}

/** Takes TAP as it comes; `end` gives what it said. */
export class TapReader {
  /** By file, in the order in which they ran, where the stream names them. */
  readonly parts = new Map<string, Part>();
  #outcome = nothing();
  readonly #parser = new Parser();

  constructor() {
    this.#follow(this.#parser);
    this.#parser.on('comment', (comment: string) => {
      const name = BEGINNING.exec(comment)?.[1];
      if (name === undefined) return;
      this.#outcome = nothing();
      this.parts.set(name, { outcome: this.#outcome, began: performance.now() });
    });
  }

  write(bytes: Buffer | string): void {
    this.#parser.write(bytes);
  }

  /** What the stream said; where it names files, what its last part did. */
  end(): Outcome {
    this.#parser.end();
    return this.#outcome;
  }

  #follow(parser: Parser): void {
    let failedInside = 0;
    parser.on('child', (child: Parser) => {
      const before = this.#outcome.failed;
      this.#follow(child);
      child.on('complete', () => {
        failedInside = this.#outcome.failed - before;
      });
    });
    parser.on('assert', (result: Result) => {
      if (!result.closingTestPoint) this.#add(result);
      else if (!result.ok && failedInside === 0 && !result.todo && !result.skip) this.#fail(result);
      failedInside = 0;
    });
    parser.on('bailout', (reason: string) => this.#failWith(`Bail out! ${reason}`));
    parser.on('complete', ({ failures }) => {
      // What is no assertion: a plan that was not kept.
      for (const each of failures) {
        if ('tapError' in each && each.tapError) this.#failWith(String(each.tapError));
      }
    });
  }

  #add(result: Result): void {
    const outcome = this.#outcome;
    if (result.skip) {
      outcome.skipped += 1;
      const reason = typeof result.skip === 'string' ? result.skip : result.fullname;
      if (!outcome.skips.includes(reason)) outcome.skips.push(reason);
    } else if (result.ok) outcome.passed += 1;
    else if (!result.todo) this.#fail(result);
  }

  #fail(result: Result): void {
    // First what is different; then where, and what else tap tells.
    const { diff, ...rest } = (result.diag ?? {}) as { diff?: string };
    const told = [
      ...(typeof diff === 'string' ? [diff.trimEnd()] : []),
      ...(Object.keys(rest).length > 0 ? [dump(rest, { skipInvalid: true }).trimEnd()] : []),
    ];
    this.#failWith([result.fullname || result.name, ...told].join('\n'));
  }

  #failWith(text: string): void {
    this.#outcome.failed += 1;
    this.#outcome.failures.push(text);
  }
}

/** The stream of files that shared a process, cut into a stream for each. */
export function partsOf(tap: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string[]>();
  let lines: string[] = [];
  let count = 0;
  const end = (): void => void lines.push(`1..${count}`);
  for (const line of tap.split('\n')) {
    const name = BEGINNING.exec(line)?.[1];
    if (name !== undefined) {
      end();
      lines = [];
      count = 0;
      parts.set(name, lines);
    } else if (!/^1\.\.\d+|^TAP version/.test(line)) {
      lines.push(line.replace(/^(not ok|ok) \d+/, (_, verdict) => `${verdict} ${++count}`));
    }
  }
  end();
  return new Map([...parts].map(([name, part]) => [name, part.join('\n')]));
}
