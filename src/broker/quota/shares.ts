/**
 * Max-min fair shares, weighted: a capacity is poured over the demands in proportion to their
 * weights; whoever wants less than its part leaves the rest to the others.
 */

export interface Demand {
  /** More than 0. */
  readonly weight: number;
  /** What somebody holds or wants, in the capacity's unit. */
  readonly demand: number;
}

/**
 * How high the demands are filled: weight w gets `w × amount / weight`. null where all of them fit
 * in the capacity.
 */
interface Level {
  readonly amount: number;
  readonly weight: number;
}

function level(capacity: number, demands: Iterable<Demand>): Level | null {
  const sorted = [...demands].sort((a, b) => a.demand / a.weight - b.demand / b.weight);
  let amount = capacity;
  let weight = sorted.reduce((sum, each) => sum + each.weight, 0);
  for (const each of sorted) {
    if (each.demand * weight > each.weight * amount) return { amount, weight };
    amount -= each.demand;
    weight -= each.weight;
  }
  return null;
}

const part = (weight: number, { amount, weight: all }: Level) =>
  Math.floor((weight * amount) / all);

/** What somebody of this weight may have if it wants everything, beside the others' demands. */
export function fairShare(capacity: number, weight: number, others: Iterable<Demand>): number {
  const found = level(capacity, [...others, { weight, demand: Number.POSITIVE_INFINITY }]);
  return found === null ? capacity : Math.max(0, part(weight, found));
}

/** By how much each demand is above its share of the capacity; empty where all of them fit. */
export function overshoots<K>(capacity: number, demands: ReadonlyMap<K, Demand>): Map<K, number> {
  const found = level(capacity, demands.values());
  const over = new Map<K, number>();
  if (found === null) return over;
  for (const [key, { weight, demand }] of demands) {
    const above = demand - Math.max(0, part(weight, found));
    if (above > 0) over.set(key, above);
  }
  return over;
}
