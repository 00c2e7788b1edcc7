/**
 * How much of a soak a run does: `npm run test:nightly` sets DMABROKER_NIGHTLY for it and for its guests
 * (runner/execute.ts).
 */

/** The gate's amount, or the night's. */
export const atNight = (gate: number, night: number): number =>
  process.env.DMABROKER_NIGHTLY === '1' ? night : gate;
