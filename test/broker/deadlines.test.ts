/** Deadlines come in order, once, whatever was moved and removed before. */

import fc from 'fast-check';
import t from 'tap';
import { Deadlines } from '../../src/broker/deadlines.js';
import type { Monotonic } from '../../src/memory/clock.js';

type Action = { item: number; at: number | null };
const moment = (at: number) => at as Monotonic;

t.test('as a sorted list says', async (t) => {
  const action = fc.record({
    item: fc.integer({ min: 0, max: 9 }),
    at: fc.option(fc.integer({ min: 0, max: 20 })),
  });
  const property = fc.property(fc.array(action, { maxLength: 60 }), (actions: Action[]) => {
    const deadlines = new Deadlines<number>();
    const model = new Map<number, number>();
    for (const { item, at } of actions) {
      if (at === null) {
        deadlines.delete(item);
        model.delete(item);
      } else {
        deadlines.set(item, moment(at));
        model.set(item, at);
      }
      const soonest = model.size === 0 ? null : Math.min(...model.values());
      if (deadlines.next !== soonest) throw new Error(`${deadlines.next} is not ${soonest}`);
    }
    const taken: number[] = [];
    for (
      let item = deadlines.take(moment(10));
      item !== undefined;
      item = deadlines.take(moment(10))
    ) {
      taken.push(model.get(item) ?? -1);
      model.delete(item);
    }
    const sorted = [...taken].sort((a, b) => a - b);
    if (taken.join() !== sorted.join()) throw new Error(`not in order: ${taken}`);
    if ([...model.values()].some((at) => at <= 10)) throw new Error('one was left');
  });
  fc.assert(property, { numRuns: 300 });
  t.pass();
});
