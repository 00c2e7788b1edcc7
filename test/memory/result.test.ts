/** What an attempt answers, and what it lets through. */
import t from 'tap';
import { BrokerError } from '../../src/memory/errors.js';
import { attempt } from '../../src/memory/result.js';

t.test('an attempt answers with what was made, or with its refusal', async (t) => {
  const made = { bytes: 1 };
  t.equal(
    attempt(() => made),
    made,
  );
  const error = new BrokerError('too_large', 'too much');
  const refused = attempt((): object => {
    throw error;
  });
  t.equal('error' in refused && refused.error, error);
});

t.test('a defect is no refusal, and goes on to whoever looks for defects', async (t) => {
  const defect = new TypeError('a defect');
  t.throws(
    () =>
      attempt(() => {
        throw defect;
      }),
    defect,
  );
});
