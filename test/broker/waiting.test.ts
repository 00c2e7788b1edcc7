/** What waits for the allocator: so much of a connection, so much of a user, however many it has. */
import t from 'tap';
import { Waiting } from '../../src/broker/waiting.js';
import { MAX_PENDING_PER_CLIENT, MAX_PENDING_PER_USER } from '../../src/memory/limits.js';
import { refused } from '../support/refused.js';

const times = <T>(count: number, each: () => T) => Array.from({ length: count }, each);

t.test('of a connection', async (t) => {
  const waiting = new Waiting();
  const ends = times(MAX_PENDING_PER_CLIENT, () =>
    waiting.begin({ connection: 'c1', uid: 1000 }, 'dry runs'),
  );
  t.match(
    refused(() => waiting.begin({ connection: 'c1', uid: 1000 }, 'dry runs')),
    {
      code: 'limit_exceeded',
      refusal: { constraint: 'dry runs', requested: 65, possible: { max: 64 } },
    },
  );
  waiting.begin({ connection: 'c2', uid: 1000 }, 'dry runs')();
  ends.shift()?.();
  ends.push(waiting.begin({ connection: 'c1', uid: 1000 }, 'dry runs'));
  for (const end of ends) end();
  t.equal(waiting.empty, true, 'what was refused was not counted');
});

t.test('of a user', async (t) => {
  const waiting = new Waiting();
  let connections = 0;
  const ends = times(MAX_PENDING_PER_USER, () =>
    waiting.begin({ connection: `c${++connections}`, uid: 1000 }, 'dry runs'),
  );
  for (const connection of ['another', null]) {
    t.match(
      refused(() => waiting.begin({ connection, uid: 1000 }, 'dry runs')),
      { refusal: { requested: 257, possible: { max: 256 } } },
    );
  }
  ends.push(
    waiting.begin({ connection: 'c1', uid: 1001 }, 'dry runs'),
    waiting.begin({ connection: null, uid: 1001 }, 'dry runs'),
  );
  for (const end of ends) end();
  t.equal(waiting.empty, true);
});
