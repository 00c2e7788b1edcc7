/** Rounds that take turns: what disturbs the machine for a while disturbs both sides. */
import type { Better, Row } from './bench.js';
import type { Measured } from './programs.js';
import { percentile } from './report.js';

/** Does every step once a round, forward and backward in turns; the results of each, in order of the rounds. */
export async function inTurns<S extends Readonly<Record<string, () => Promise<unknown>>>>(
  rounds: number,
  steps: S,
): Promise<{ [N in keyof S]: Awaited<ReturnType<S[N]>>[] }> {
  const names = Object.keys(steps);
  const results = Object.fromEntries(names.map((name): [string, unknown[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name]?.push(await steps[name]?.());
    }
  }
  return results as { [N in keyof S]: Awaited<ReturnType<S[N]>>[] };
}

/** A figure of one round. */
export interface Figure<T> {
  readonly what: string;
  readonly better: Better;
  of(measured: T): number;
}

/** What is known of every way to ask: microseconds. */
export type Times = Pick<Measured, 'p50' | 'p99'>;

export const p50: Figure<Times> = {
  what: 'p50 µs',
  better: 'less',
  of: (measured) => measured.p50,
};
export const p99: Figure<Times> = {
  what: 'p99 µs',
  better: 'less',
  of: (measured) => measured.p99,
};
export const rate: Figure<Pick<Measured, 'requests' | 'seconds'>> = {
  what: 'thousand/s',
  better: 'more',
  of: ({ requests, seconds }) => requests / seconds / 1000,
};

/** A row a figure. */
export function rowsOf<T>(
  name: string,
  figures: readonly Figure<NoInfer<T>>[],
  [side, all]: readonly [string, readonly T[]],
  [other, reference]: readonly [string, readonly T[]],
): Row[] {
  return figures.map(({ what, better, of }) => ({
    case: name,
    what,
    better,
    sides: [side, other],
    values: all.map(of),
    against: reference.map(of),
  }));
}

/** Microseconds of each call, after a tenth of them as warm-up. */
export async function timed(count: number, body: () => unknown): Promise<Times> {
  const times: number[] = [];
  const warmUp = Math.ceil(count / 10);
  for (let i = 0; i < warmUp + count; i++) {
    const start = process.hrtime.bigint();
    const wait = body();
    if (wait instanceof Promise) await wait;
    if (i >= warmUp) times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** A message or two that come after the event that ends an answer may miss the last one. */
const AFTER_THE_END = 64;

/** Throws where two did not say the same: answers of as many bytes and fds. */
export function checkShapes(all: readonly Measured[]): void {
  const requests = new Set(all.map((each) => each.requests));
  const fds = new Set(all.map((each) => each.fds));
  const bytes = all.map((each) => each.bytes);
  const apart = Math.max(...bytes) - Math.min(...bytes);
  if (requests.size <= 1 && fds.size <= 1 && !(apart > AFTER_THE_END)) return;
  const said = all.map((each) => `${each.requests} answers: ${each.bytes} B, ${each.fds} fds`);
  throw new Error(`answers differ: ${[...new Set(said)].join('; ')}`);
}
