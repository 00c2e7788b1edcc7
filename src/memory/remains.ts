/** What can still be said of memory that was released: native/remains.ts asks the kernel. */

/**
 * What the kernel says about released memory. `gone`: nobody else has it. `counted`: nobody has a
 * reference that is counted. `lingering`: somebody has. `unknown`: its count of references proves nothing.
 * `unseen`: the daemon itself has it no more, and cannot ask.
 */
export type Remaining = 'gone' | 'counted' | 'lingering' | 'unknown' | 'unseen';

/** The last reference to a released buffer's memory. */
export interface Remains {
  look(): Remaining;
  close(): void;
}
