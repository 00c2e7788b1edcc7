/**
 * Who is charged for a buffer, in bytes by user. Each byte is charged once: to the owner, or, where
 * the configuration says so, to the users who redeemed it.
 */

/** `importers`: from the first redemption by another user on, those who redeemed share the charge. */
export type ChargePolicy = 'owner' | 'importers';

/**
 * The bytes that each user is charged; their sum is `size`. What does not divide evenly goes to the
 * lowest user ids, one byte each. `owner` is null for a requester who is not known.
 */
export function shares(
  policy: ChargePolicy,
  size: number,
  owner: number | null,
  recipients: Iterable<number>,
): Map<number | null, number> {
  const others = [...new Set(recipients)].filter((uid) => uid !== owner).sort((a, b) => a - b);
  if (policy === 'owner' || others.length === 0) return new Map([[owner, size]]);
  const each = Math.floor(size / others.length);
  const extra = size % others.length;
  return new Map(others.map((uid, index) => [uid, each + (index < extra ? 1 : 0)]));
}
