/**
 * Charges the users who redeemed a buffer instead of its owner, where the configuration says so: from
 * the first redemption by another user on they share its bytes (shares.ts). The buffer itself and its
 * file descriptors stay its owner's, and so does its place in recalls, which only owners can answer.
 *
 * In a heap (heaps.ts) a buffer stays its owner's, too.
 *
 * A share stays until the memory is gone: that a user has given its copy back is seen by nobody.
 */

import { NOTHING } from '../../memory/charged.js';
import type { BrokerBuffer } from '../buffer.js';
import { type ChargePolicy, shares } from '../shares.js';
import type { Charge, Who } from './charge.js';
import type { Ledger } from './ledger.js';

const bytesOf = (charges: Iterable<Charge>) =>
  [...charges].reduce((sum, { amount }) => sum + amount.bytes, 0);

/** What one importer is charged. */
interface Part {
  readonly who: Who;
  readonly bytes: number;
}

export class Importers {
  /** By buffer and user. */
  readonly #charges = new Map<BrokerBuffer, Map<number, Charge>>();

  constructor(
    private readonly policy: ChargePolicy,
    private readonly ledger: Ledger,
  ) {}

  /**
   * A user is about to redeem a buffer. Throws `limit_exceeded` where it has no room for its share:
   * the redemption is to be refused, and all charges are as they were.
   */
  redeem(buffer: BrokerBuffer, who: Who): void {
    const { charge } = buffer;
    if (this.policy === 'owner' || who.uid === charge.who.uid) return;
    const importers = this.#charges.get(buffer) ?? new Map<number, Charge>();
    if (importers.has(who.uid)) return;
    const size = charge.amount.bytes + bytesOf(importers.values());
    const split = shares(this.policy, size, charge.who.uid, [...importers.keys(), who.uid]);
    const part = (uid: number) => split.get(uid) ?? 0;
    const left = new Map([...importers].map(([uid, each]) => [each, part(uid)]));
    left.set(charge, 0);
    // The share outlives the connection that redeemed.
    const user = { ...who, connection: null };
    importers.set(who.uid, this.ledger.takeOver(user, charge.source, part(who.uid), left));
    this.#charges.set(buffer, importers);
  }

  /** What its owner is charged when the buffer's memory has this size. */
  ownersPart(buffer: BrokerBuffer, size: number): number {
    return Math.max(0, size - bytesOf(this.#charges.get(buffer)?.values() ?? []));
  }

  /** The buffer's memory has become smaller than the importers' shares: they have no more than it. */
  fit(buffer: BrokerBuffer, size: number): void {
    const importers = this.#charges.get(buffer);
    if (importers === undefined || bytesOf(importers.values()) <= size) return;
    const split = shares(this.policy, size, null, importers.keys());
    for (const [uid, charge] of importers) charge.resize(split.get(uid) ?? 0);
  }

  /** What each importer is charged for a buffer. */
  parts(buffer: BrokerBuffer): Part[] {
    const charges = this.#charges.get(buffer)?.values() ?? [];
    return [...charges].map(({ who, amount }) => ({ who, bytes: amount.bytes }));
  }

  /** Charges them the same for the memory that the buffer had, whatever the limits. */
  impose(former: BrokerBuffer, parts: readonly Part[]): void {
    if (parts.length === 0) return;
    const { source } = former.charge;
    const charges = parts.map(({ who, bytes }): [number, Charge] => [
      who.uid,
      this.ledger.impose({ who, source, amount: { ...NOTHING, bytes }, heaps: new Map() }),
    ]);
    this.#charges.set(former, new Map(charges));
  }

  /** The buffer is released. */
  linger(buffer: BrokerBuffer): void {
    for (const charge of this.#charges.get(buffer)?.values() ?? []) charge.linger();
  }

  /** The memory is gone. */
  release(buffer: BrokerBuffer): void {
    for (const charge of this.#charges.get(buffer)?.values() ?? []) charge.release();
    this.#charges.delete(buffer);
  }
}
