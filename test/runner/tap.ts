/**
 * What a test file's TAP says, read with tap's own parser: how many assertions passed, failed and were
 * skipped, at any depth, and which failed. A subtest's closing line is no assertion, unless it alone
 * says that the subtest failed (a plan that was not kept, a time-out).
 */
import { dump } from 'js-yaml';
import { Parser, type Result } from 'tap-parser';

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

/** Takes TAP as it comes; `end` gives what it said. */
export class TapReader {
  readonly #outcome: Outcome = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  readonly #parser = new Parser();

  constructor() {
    this.#follow(this.#parser);
  }

  write(bytes: Buffer | string): void {
    this.#parser.write(bytes);
  }

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
      ...(Object.keys(rest).length > 0 ? [dump(rest).trimEnd()] : []),
    ];
    this.#failWith([result.fullname || result.name, ...told].join('\n'));
  }

  #failWith(text: string): void {
    this.#outcome.failed += 1;
    this.#outcome.failures.push(text);
  }
}
