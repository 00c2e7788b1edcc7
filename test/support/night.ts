/**
 * How much of a soak a run does: `npm run test:nightly` sets DMABROKER_NIGHTLY for it and for its guests
 * (runner/execute.ts).
 */

export const isNight = process.env.DMABROKER_NIGHTLY === '1';

/** The gate's amount, or the night's. */
export const atNight = <T>(gate: T, night: T): T => (isNight ? night : gate);
