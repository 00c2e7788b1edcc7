/** The catalogue of errors, and errors on their way between threads. */
import t from 'tap';
import {
  BrokerError,
  catalogue,
  fromMessage,
  type Refusal,
  toMessage,
} from '../../src/memory/errors.js';

t.test('numbers are different and statuses are errors', async (t) => {
  const entries = Object.values(catalogue);
  t.equal(new Set(entries.map(({ number }) => number)).size, entries.length);
  for (const [code, { status, title }] of Object.entries(catalogue)) {
    t.ok(status >= 400 && status < 600, `${code} is ${status}`);
    t.not(title, '');
  }
});

t.test('a refusal is the same on the other side', async (t) => {
  const refusal: Refusal = { constraint: 'width', requested: 0, possible: { min: 1, max: 5 } };
  const sent = new BrokerError('too_large', 'too wide', refusal);
  const arrived = fromMessage(structuredClone(toMessage(sent)));
  t.ok(arrived instanceof BrokerError);
  t.match(arrived, { code: 'too_large', message: 'too wide', name: 'BrokerError' });
  t.same(arrived.refusal, refusal);
});

t.test('everything else is internal and keeps its stack for the log', async (t) => {
  const error = new TypeError('oh');
  const message = catalogue.internal.title;
  t.same(toMessage(error), { code: 'internal', message, refusal: {}, defect: error.stack });
  t.same(toMessage('text'), { code: 'internal', message, refusal: {}, defect: 'text' });
  t.equal(fromMessage(toMessage(error)).message, message, 'a client does not see it');
});
