import fc from 'fast-check';
import t from 'tap';
import type { WallTime } from '../../src/memory/clock.js';
import { DateTexts } from '../../src/memory/date-texts.js';

t.test('as toISOString has it, whatever came before', async (t) => {
  const texts = new DateTexts();
  const date = fc.double({ min: -1e12, max: 4e12, noNaN: true });
  const property = fc.property(date, fc.nat(3000), (date, later) => {
    for (const each of [date, date + later]) {
      const text = texts.of(each as WallTime);
      if (text !== new Date(each).toISOString()) throw new Error(`${each} is ${text}`);
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
});
