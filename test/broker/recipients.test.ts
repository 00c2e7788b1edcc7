/** Recipients: one needs no table, and is known as well as many are. */
import t from 'tap';
import type { Client } from '../../src/broker/buffer.js';
import { Recipients } from '../../src/broker/recipients.js';
import type { Monotonic } from '../../src/memory/clock.js';
import { MAX_PAST_RECIPIENTS } from '../../src/memory/limits.js';

const at = (ms: number) => ms as Monotonic;

function make() {
  const recipients = new Recipients<Client>();
  const counted = { now: 0, references: 0 };
  const process = {
    exited: false,
    retain: () => {
      counted.references++;
      return process;
    },
    release: () => counted.references--,
  };
  const count = () => {
    counted.now++;
    return () => {
      counted.now--;
    };
  };
  const client = (id: string, connected = true) =>
    ({ id, connected, process }) as unknown as Client;
  const add = (who: Client, mayRenew = false) =>
    recipients.add(who, at(1), { watched: true, mayRenew }, count);
  const ids = () => [...recipients].map((each) => each.client.id);
  return { recipients, counted, process, client, add, ids };
}

t.test('one, and more', async (t) => {
  const { recipients, counted, client, add, ids } = make();
  const [a, b] = [client('a'), client('b')];
  t.equal(recipients.of(a), null);
  add(a);
  add(a, true);
  t.same([ids(), recipients.size, recipients.of(a)?.mayRenew], [['a'], 1, true]);
  t.equal(recipients.of(b), null);
  add(b);
  add(a);
  t.same([ids(), recipients.size, recipients.of(a)?.mayRenew], [['a', 'b'], 2, true]);
  t.same(counted, { now: 2, references: 2 });
  recipients.drop(a);
  recipients.drop(a);
  t.same([ids(), counted], [['b'], { now: 1, references: 1 }]);
  recipients.forget();
  t.same([ids(), recipients.size, counted], [[], 0, { now: 0, references: 0 }]);
});

t.test('they move with the memory', async (t) => {
  const { recipients, client, add, ids } = make();
  for (const id of ['a', 'b']) add(client(id));
  const former = new Recipients<Client>();
  recipients.moveTo(former);
  t.same([ids(), [...former].map((each) => each.client.id)], [[], ['a', 'b']]);
});

t.test('whether all have exited, where all are known', async (t) => {
  const { recipients, process, client, add } = make();
  add(client('a'));
  t.equal(recipients.exited, false);
  process.exited = true;
  t.equal(recipients.exited, true);
  process.exited = false;
  for (let i = 0; i <= MAX_PAST_RECIPIENTS; i++) add(client(`past ${i}`, false));
  t.same([recipients.incomplete, recipients.size], [true, MAX_PAST_RECIPIENTS + 1]);
  t.equal(recipients.of(client('past 0')), null, 'the oldest of them');
  process.exited = true;
  t.equal(recipients.exited, false);
});
