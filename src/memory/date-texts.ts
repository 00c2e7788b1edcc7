import type { WallTime } from './clock.js';

/**
 * Dates as JSON has them (RFC 3339), for who needs many in a second: `toISOString` takes longer than all else that is made
 * of an event.
 */
export class DateTexts {
  #second = Number.NaN;
  #toSecond = '';

  of(date: WallTime): string {
    const whole = Math.trunc(date);
    const second = Math.floor(whole / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#toSecond = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    }
    return this.#toSecond + MILLISECONDS[whole - second * 1000];
  }
}

const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${ms}Z`.padStart(4, '0'));
