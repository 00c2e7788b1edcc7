/**
 * What becomes of an act for which the log has no room: `drop`, it is lost and counted; `block`, it waits,
 * and nobody is served until it is written.
 */
export const WHEN_FULL = ['drop', 'block'] as const;
export type WhenFull = (typeof WHEN_FULL)[number];
