/** The watchdog is answered for as long as every thread answers; one that does not is named once. */
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { patient, Watchdog } from '../../../src/server/threads/watchdog.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/daemon.js';

/** The manager's time; half of it passes until a thread is named. */
const LIMIT_MS = 200;

t.test('a thread that is silent, and answers again', async (t) => {
  let alive = 0;
  const silent: string[] = [];
  let again = 0;
  let wait: Promise<unknown> = Promise.resolve();
  let answer = () => {};
  const threads = [
    { name: 'one', ask: () => Promise.resolve() },
    { name: 'another', ask: () => wait },
  ];
  const watchdog = new Watchdog(threads, LIMIT_MS, {
    alive: () => alive++,
    silent: (reason) => silent.push(reason),
    answers: () => again++,
  });
  t.teardown(() => watchdog.stop());
  watchdog.start();
  await eventually(() => alive > 2, 'it is told that all are alive, again and again');
  wait = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await eventually(() => silent.length > 0, 'the silent one is named');
  const told = alive;
  await setTimeout(LIMIT_MS * 2);
  t.equal(alive, told, 'nobody says that the daemon is alive');
  t.same(silent, ['no answer within 0.1 s from the thread of: another'], 'once');
  wait = Promise.resolve();
  answer();
  await eventually(() => alive > told, 'it is alive again');
  t.equal(again, 1);
  watchdog.stop();
  const last = alive;
  await setTimeout(LIMIT_MS);
  t.equal(alive, last, 'stopped, it says nothing');
});

t.test('one that cannot be asked is asked now and then', async (t) => {
  let asked = 0;
  const threads = [
    {
      name: 'one',
      ask: () => {
        asked++;
        return Promise.reject(new Error('it has gone'));
      },
    },
  ];
  const reasons: string[] = [];
  const watchdog = new Watchdog(threads, LIMIT_MS, {
    alive: () => t.fail('it is not'),
    silent: (reason) => reasons.push(reason),
    answers: () => t.fail('it does not'),
  });
  watchdog.start();
  await setTimeout(LIMIT_MS);
  watchdog.stop();
  t.same(reasons, ['it has gone']);
  t.ok(asked < 50, `${asked} times`);
});

t.test('one that may take its time', async (t) => {
  const clock = new FakeClock();
  let asked = 0;
  let answer = () => {};
  const slow = patient(
    {
      name: 'one',
      ask: () => {
        asked++;
        return new Promise<void>((resolve) => {
          answer = resolve;
        });
      },
    },
    1000,
    clock,
  );
  const answers = () => Promise.race([slow.ask().then(() => true), setTimeout(10, false)]);
  t.ok(await answers(), 'nobody waits for it yet');
  clock.pass(999);
  t.ok(await answers());
  clock.pass(1);
  t.notOk(await answers(), 'and now it is too long');
  t.equal(asked, 1);
  const late = slow.ask();
  answer();
  await late;
  t.ok(await answers(), 'another question has its own time');
  t.equal(asked, 2);
});
