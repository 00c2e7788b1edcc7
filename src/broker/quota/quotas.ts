/**
 * The broker's door to quotas: who is charged for an owner, reservations, and settings that change
 * at run time.
 */
import type { Client, Owner } from '../buffer.js';
import type { Charge, Who } from './charge.js';
import { type Estimate, Ledger } from './ledger.js';
import { DEFAULT_RULES, Policy } from './policy.js';
import type { Layer, Rules } from './rules.js';

export interface QuotaOptions {
  /** Built-in rules; those for no machine in particular, if not given. */
  readonly defaults?: Rules;
  /** The user that answers for a uid: for a container's, the owner of its subuids. */
  readonly accountable?: (uid: number) => number;
}

/** (uid_t)-1, which no process has: a user of REST whom the kernel did not name. */
export const UNKNOWN_UID = 0xffffffff;

export class Quotas {
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly #accountable: (uid: number) => number;

  constructor(now: () => number, options: QuotaOptions = {}) {
    this.policy = new Policy(options.defaults ?? DEFAULT_RULES);
    this.ledger = new Ledger(this.policy, now);
    this.#accountable = options.accountable ?? ((uid) => uid);
  }

  /** Replaces the rules of a layer. Charges stay; what is over its limit now gets no more. */
  configure(layer: Layer, rules: Rules): void {
    this.policy.set(layer, rules);
    this.ledger.accounts.refresh();
  }

  whoIs({ client, peer }: Owner): Who {
    const uid = this.#accountable(peer.uid ?? UNKNOWN_UID);
    return { uid, cgroup: peer.cgroup, connection: client?.id ?? null };
  }

  connected(client: Client): void {
    this.ledger.connect(this.whoIs({ client, peer: client.peer }));
  }

  disconnected(client: Client): void {
    this.ledger.disconnect(this.whoIs({ client, peer: client.peer }));
  }

  /** Charges an allocation that is about to start. Throws `limit_exceeded`. */
  reserve(owner: Owner, source: string, estimate: Estimate): Charge {
    return this.ledger.reserve(this.whoIs(owner), source, estimate);
  }
}
