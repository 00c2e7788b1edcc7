/**
 * Long work in pieces: between two of them whoever runs it may do something for somebody else
 * (turns.ts). What is held between pieces must stay good whatever happens meanwhile.
 */

/** Each `next` does a piece; `return` ends it before its time, and lets go of what it has taken. */
export type Steps<T> = Generator<void, T, void>;

/** One piece. */
// biome-ignore lint/correctness/useYield: there is nothing to be done in between
export function* onePiece<T>(body: () => T): Steps<T> {
  return body();
}

/** All pieces at once, where nobody waits. */
export function toEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
