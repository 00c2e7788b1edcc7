/** Requests on objects: each in its order, none before what it needs, and none for ever. */
import fc from 'fast-check';
import t from 'tap';
import { AwaitedBuffer } from '../../../src/server/wayland/order.js';

/** Requests on a few objects, whose answers come at some time. */
interface Plan {
  readonly objects: number;
  /** The objects that each request names, in the order in which they come. */
  readonly requests: readonly (readonly number[])[];
  /** After so many requests each object's answer comes. */
  readonly answers: readonly number[];
  /** After so many requests each object is asked for; undefined: it is from the start. */
  readonly asked: readonly (number | undefined)[];
}

function run({ objects, requests, answers, asked }: Plan) {
  const waiting = { answer: 0, request: 0 };
  const waits = {
    answer: (more: number) => {
      waiting.answer += more;
    },
    request: (more: number) => {
      waiting.request += more;
    },
  };
  const all = Array.from({ length: objects }, () => new AwaitedBuffer(waits));
  for (const [i, order] of all.entries()) if (asked[i] !== undefined) order.unasked();
  const done: number[] = [];
  let most = 0;
  const answer = (now: number) => {
    for (const [i, order] of all.entries()) {
      if (asked[i] === now) order.asked();
      if (answers[i] === now && !order.settled) order.answer(null);
    }
  };
  for (const [index, names] of requests.entries()) {
    answer(index);
    const [first, ...others] = names.map((name) => all[name % objects] as AwaitedBuffer);
    first?.add(() => done.push(index), ...others);
    most = Math.max(most, waiting.answer);
  }
  for (const order of all) if (!order.settled) order.answer(null);
  return { done, waiting: waiting.answer + waiting.request, most };
}

t.test('whenever the answers come, each object sees its requests in one order', async (t) => {
  const plans = fc.record({
    objects: fc.integer({ min: 1, max: 4 }),
    requests: fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), { maxLength: 40 }),
    answers: fc.array(fc.nat(40), { minLength: 4, maxLength: 4 }),
    asked: fc.array(fc.option(fc.nat(40), { nil: undefined }), { minLength: 4, maxLength: 4 }),
  });
  const property = fc.property(plans, (plan) => {
    const { done, waiting } = run(plan);
    if (waiting !== 0 || done.length !== plan.requests.length) return false;
    for (let object = 0; object < plan.objects; object++) {
      const own = done.filter((index) =>
        plan.requests[index]?.some((name) => name % plan.objects === object),
      );
      if (own.some((index, i) => i > 0 && index < (own[i - 1] ?? 0))) return false;
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
});

t.test('two that name each other do not wait for ever', async (t) => {
  const plan = {
    objects: 2,
    requests: [
      [0, 1],
      [1, 0],
      [0, 1],
    ],
    answers: [99, 99],
    asked: [],
  };
  t.match(run(plan), { done: [0, 1, 2], waiting: 0 });
});

t.test(
  'what waits for a request of the client is not counted as what waits for an answer',
  async (t) => {
    // 1 is asked for last; 0 is there, and its requests wait behind a copy from 1.
    const plan = {
      objects: 2,
      requests: [[0], [0, 1], [0], [0], [1]],
      answers: [0, 5],
      asked: [undefined, 5],
    };
    t.match(run(plan), { done: [0, 1, 2, 4, 3], waiting: 0, most: 0 });
  },
);
