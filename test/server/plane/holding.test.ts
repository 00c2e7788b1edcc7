/** Clients are read when nothing is against it any more, and are told of it once. */
import t from 'tap';
import { Holding } from '../../../src/server/plane/holding.js';

t.test('either of two reasons is enough', async (t) => {
  const told: boolean[] = [];
  let behind = false;
  const holding = new Holding(
    (held) => told.push(held),
    () => behind,
  );
  holding.look();
  t.same(told, []);
  behind = true;
  holding.look();
  holding.look();
  t.same(told, [true]);
  holding.ask(true);
  behind = false;
  holding.look();
  t.same(told, [true], 'main has asked for it meanwhile');
  holding.ask(false);
  t.same(told, [true, false]);
  holding.ask(true);
  behind = true;
  holding.ask(false);
  t.same(told, [true, false, true]);
  behind = false;
  holding.look();
  t.same(told, [true, false, true, false]);
});
