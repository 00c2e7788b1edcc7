/**
 * Time, in two kinds that no number is both of. A moment (`Monotonic`) is on a clock that nobody sets:
 * all that is awaited, measured or overdue is judged by it. A date (`WallTime`) is what people call a
 * moment: it is made of the moment when it is shown, so that it is right by whatever the machine's date
 * is then.
 */

declare const monotonic: unique symbol;
declare const wallTime: unique symbol;

/** A moment: milliseconds since nothing in particular, alike in all threads. */
export type Monotonic = number & { readonly [monotonic]: true };
/** A date: milliseconds since 1970. */
export type WallTime = number & { readonly [wallTime]: true };

export interface Clock {
  /** Never goes back, and is not set. It stands still while the machine sleeps. */
  now(): Monotonic;
  /** What a moment is called, by the machine's date as it is set now. */
  date(moment: Monotonic): WallTime;
  /** How often the machine's date was set: what was shown before is called otherwise now. */
  get timesSet(): number;
}

/** Before every moment. */
export const LONG_AGO = Number.NEGATIVE_INFINITY as Monotonic;

/** The moment so many milliseconds after another, or before it. */
export const after = (moment: Monotonic, milliseconds: number): Monotonic =>
  (moment + milliseconds) as Monotonic;

/** A moment's date as JSON has it (RFC 3339). */
export const dateText = (clock: Clock, moment: Monotonic): string =>
  new Date(clock.date(moment)).toISOString();
