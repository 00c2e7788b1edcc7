/** Who has fds in flight, and who has to wait for whom. */
import t from 'tap';
import { FDS_IN_FLIGHT } from '../../../src/memory/limits.js';
import { Flight, Flights } from '../../../src/server/wayland/flight.js';
import { FakeClock } from '../../support/clock.js';

const TOTAL = 100;
const [ALICE, BOB] = [1001, 1002];

function make(total = TOTAL) {
  const clock = new FakeClock();
  const flights = new Flights(total, clock);
  const connect = (uid: number) => {
    const peer = { received: false, asked: 0 };
    const flight = new Flight(flights, uid, () => {
      peer.asked++;
      return peer.received;
    });
    return { flight, peer };
  };
  return { clock, flights, connect };
}

function send(flight: Flight, count: number): void {
  flight.boards(count);
  flight.leaves(count);
}

t.test('one user who does not read keeps no fd from another', async (t) => {
  const { clock, flights, connect } = make();
  const hogs = Array.from({ length: 40 }, () => connect(ALICE));
  const departures = hogs.map(({ flight }) => {
    const departure = flight.departure(25);
    if (departure === 'now') send(flight, 25);
    return departure;
  });
  t.same(departures, ['now', 'now', ...Array(38).fill('later')], 'a half is for others');
  const { flight } = connect(BOB);
  t.equal(flight.departure(25), 'now');
  send(flight, 25);
  t.equal(flights.used, 75);

  const [first, , third] = hogs;
  if (first === undefined || third === undefined) throw new Error('no connections');
  first.peer.received = true;
  t.equal(third.flight.departure(25), 'later', 'they were asked just now');
  clock.pass(64);
  t.equal(third.flight.departure(12), 'now', 'what one has received another may have');
  t.equal(flights.used, 50);
});

t.test('a connection waits for its own fds first', async (t) => {
  const { connect } = make(10 * FDS_IN_FLIGHT);
  const { flight, peer } = connect(ALICE);
  send(flight, FDS_IN_FLIGHT);
  t.equal(flight.departure(1), 'drained');
  t.equal(peer.asked, 0, 'by the call that sends');
});

t.test('who has none in flight may have one message, however little there is', async (t) => {
  const { connect } = make(4);
  const { flight } = connect(ALICE);
  t.equal(flight.departure(28), 'now');
  send(flight, 28);
  t.equal(flight.departure(28), 'drained');
  t.equal(flight.departure(29), 'later');
});

t.test('many that wait are not looked at more often than some', async (t) => {
  const { connect } = make();
  const many = Array.from({ length: 500 }, () => connect(ALICE).flight);
  const [one] = many;
  t.equal(one?.pace(64), 64);
  for (const each of many) each.waits = true;
  for (const each of many) each.waits = true;
  t.equal(one?.pace(64), 1000);
  t.equal(connect(BOB).flight.pace(64), 64);
  for (const each of many) each.waits = false;
  t.equal(one?.pace(64), 64);
});

t.test('of a connection that has ended they are in flight until they are received', async (t) => {
  const { clock, flights, connect } = make();
  const { flight, peer } = connect(ALICE);
  send(flight, 3);
  let landed = 0;
  flights.whenLanded(flight, () => landed++);
  t.equal(flights.look(), 64);
  t.equal(flights.used, 3);
  clock.pass(63);
  peer.received = true;
  t.equal(flights.look(), 1);
  t.equal(landed, 0);
  clock.pass(1);
  t.equal(flights.look(), -1);
  t.equal(landed, 1);
  t.equal(flights.used, 0);
});

t.test('what the step has not sent yet is not taken for received', async (t) => {
  const { clock, flights, connect } = make();
  const { flight, peer } = connect(ALICE);
  const other = connect(ALICE);
  send(flight, 5);
  flight.boards(20);
  peer.received = true;
  clock.pass(64);
  t.equal(other.flight.departure(60), 'later', 'all of the user’s were asked');
  t.equal(flights.used, 20);
  flight.stays(8);
  flight.leaves(12);
  t.equal(flights.used, 12);
  flight.end();
  t.ok(flight.look());
  t.equal(flights.used, 0);
});
