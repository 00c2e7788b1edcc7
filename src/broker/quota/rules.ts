/**
 * What a quota is: the rules that limit what memory/charged.ts counts. docs/quotas.md has the arithmetic.
 */

import type { Scope } from '../../memory/charged.js';

export const MAX_WEIGHT = 1000;
export const MAX_PRIORITY = 1000;

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
 * `daemon/default`, `connection/default`, `user/default`, `user/1000`, `source/vulkan`, `group/44`,
 * and `cgroup/` with a path pattern, where `*` stands for anything but a slash.
 */
export type RuleId = `${Scope}/${string}`;
export type Rules = ReadonlyMap<RuleId, Rule>;

export type Layer = 'default' | 'configuration' | 'rest';
