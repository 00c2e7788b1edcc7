/** Max-min shares, against what defines them: nobody can have more without one who has less losing. */
import fc from 'fast-check';
import t from 'tap';
import { type Demand, fairShare, overshoots } from '../../../src/broker/quota/shares.js';

const demand = fc.record({ weight: fc.integer({ min: 1, max: 9 }), demand: fc.nat(1000) });
const demands = fc.array(demand, { minLength: 1, maxLength: 8 });
const capacity = fc.nat(3000);

const numbered = (all: readonly Demand[]) => new Map(all.map((each, index) => [index, each]));

t.test('an example', async (t) => {
  const one = (demand: number) => ({ weight: 1, demand });
  t.equal(fairShare(90, 1, []), 90, 'alone: all of it');
  t.equal(fairShare(90, 1, [one(90)]), 45, 'two: half each');
  t.equal(fairShare(90, 1, [one(10)]), 80, 'what the other does not want');
  t.equal(fairShare(90, 2, [one(90)]), 60, 'twice the weight, twice the share');
  t.equal(fairShare(90, 1, [one(10), one(60)]), 40);
  t.same(overshoots(90, numbered([one(50), one(40)])), new Map(), 'all of it, and no more');
  t.same(overshoots(90, numbered([one(70), one(40)])), new Map([[0, 20]]));
});

t.test('overshoots free the capacity, and no more than a unit for each too much', async (t) => {
  const property = fc.property(capacity, demands, (capacity, all) => {
    const over = overshoots(capacity, numbered(all));
    const wanted = all.reduce((sum, each) => sum + each.demand, 0);
    const above = [...over.values()].reduce((sum, each) => sum + each, 0);
    if (wanted <= capacity) return over.size === 0;
    return above >= wanted - capacity && above < wanted - capacity + all.length;
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('who is above its share has the most for its weight', async (t) => {
  const property = fc.property(capacity, demands, (capacity, all) => {
    const over = overshoots(capacity, numbered(all));
    const left = all.map((each, index) => each.demand - (over.get(index) ?? 0));
    return [...over.keys()].every((index) => {
      const mine = (left[index] ?? 0) / (all[index]?.weight ?? 1);
      // Rounding takes less than one unit from each.
      return all.every(({ weight }, i) => (left[i] ?? 0) <= (mine + 1) * weight);
    });
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('a demand up to the share is never above it', async (t) => {
  const property = fc.property(capacity, demand, demands, (capacity, own, others) => {
    const share = fairShare(capacity, own.weight, others);
    const at = (wanted: number) =>
      overshoots(capacity, numbered([{ ...own, demand: wanted }, ...others])).has(0);
    return !at(Math.min(own.demand, share)) && (share >= capacity || at(share + 1));
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('more weight never means less, another user never more', async (t) => {
  const property = fc.property(capacity, demand, demands, (capacity, own, others) => {
    const share = fairShare(capacity, own.weight, others);
    return (
      share <= fairShare(capacity, own.weight + 1, others) &&
      share >= fairShare(capacity, own.weight, [...others, own])
    );
  });
  t.doesNotThrow(() => fc.assert(property));
});
