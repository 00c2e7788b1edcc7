/**
 * What a quota is: the dimensions that are counted, the scopes that they are counted for, and the
 * rules that limit them. docs/quotas.md has the arithmetic.
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

export const SCOPES = ['daemon', 'user', 'cgroup', 'source', 'connection'] as const;
export type Scope = (typeof SCOPES)[number];

/** null: no limit. A rate is a token bucket that holds one second's worth, at least one. */
export interface Limits {
  readonly bytes: number | null;
  readonly buffers: number | null;
  readonly fds: number | null;
  readonly pending: number | null;
  readonly allocationsPerSecond: number | null;
}

export interface Settings extends Limits {
  /** Of a user: its part of what is shared out, in proportion to the others'. */
  readonly weight: number;
  /** Of a user or cgroup: buffers with less are recalled first. */
  readonly priority: number;
  /** Of the daemon: the part of each capacity that only users below their share may draw from. */
  readonly reserve: number;
}

/** Settings that some rule makes; what it leaves out comes from the rule behind it. */
export type Rule = { readonly [K in keyof Settings]?: Settings[K] };

/**
 * `daemon/default`, `connection/default`, `user/default`, `user/1000`, `source/vulkan`, and
 * `cgroup/` with a path pattern, where `*` stands for anything but a slash.
 */
export type RuleId = `${Scope}/${string}`;
export type Rules = ReadonlyMap<RuleId, Rule>;

export type Layer = 'default' | 'configuration' | 'rest';
