/** What happens in a turn has one time, and its date is the machine's. */
import t from 'tap';
import { TurnClock } from '../../../src/server/plane/turn-clock.js';
import { FakeClock } from '../../support/clock.js';

t.test('a turn has one time', async (t) => {
  const machine = new FakeClock();
  const clock = new TurnClock(machine);
  clock.now();
  machine.pass(5);
  t.equal(clock.now(), machine.now(), 'the start is none');
  clock.turn(machine.now());
  const first = clock.now();
  t.equal(first, machine.now());
  machine.pass(5);
  t.equal(clock.now(), first);
  clock.turn(machine.now());
  t.equal(clock.now(), machine.now());
});

t.test('dates are what they are called now', async (t) => {
  const machine = new FakeClock();
  const clock = new TurnClock(machine);
  const before = clock.date(clock.now());
  machine.setDate(60_000);
  t.equal(clock.date(clock.now()), machine.today);
  t.not(clock.date(clock.now()), before);
  t.equal(clock.timesSet, 1);
});
