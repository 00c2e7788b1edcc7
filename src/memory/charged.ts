/**
 * What is charged for memory, and to whom: the dimensions and scopes of quotas, which refusals name.
 * broker/quota/ counts them; docs/quotas.md has the arithmetic.
 */

/**
 * bytes: the memory's size as its source gave it. fds: file descriptors that the daemon keeps open
 * for a buffer (planes in one memory share one). pending: allocations that are not answered yet.
 */
export const DIMENSIONS = ['bytes', 'buffers', 'fds', 'pending'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What is shared out among users where the daemon or a source has a limit. */
export const SHARED = ['bytes', 'buffers', 'fds'] as const satisfies readonly Dimension[];
export type SharedDimension = (typeof SHARED)[number];

export type Amount = Readonly<Record<Dimension, number>>;

export const NOTHING: Amount = { bytes: 0, buffers: 0, fds: 0, pending: 0 };

export const SCOPES = ['daemon', 'user', 'group', 'cgroup', 'source', 'connection'] as const;
export type Scope = (typeof SCOPES)[number];
