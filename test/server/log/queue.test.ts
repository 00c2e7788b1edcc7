/** What waits for the log is bounded, and what is lost is counted once. */
import fc from 'fast-check';
import t from 'tap';
import { LogQueue } from '../../../src/server/log/queue.js';
import { eventually } from '../../support/daemon.js';
import { FakeWriter } from './support/writer.js';

const LIMITS = { log: 4000, audit: 8000 };
const INFO = 30;
const ERROR = 50;
const line = (size: number) => `${JSON.stringify('x'.repeat(size - 3))}\n`;

function queue() {
  const writer = new FakeWriter();
  const made = new LogQueue(
    writer,
    (losses) => `${JSON.stringify({ lost: Object.fromEntries(losses) })}\n`,
    LIMITS,
  );
  return { writer, queue: made };
}

t.test('the daemon’s own lines: the last quarter is for errors', async (t) => {
  const { writer, queue: log } = queue();
  writer.stopped = true;
  for (let i = 0; i < 100; i++) log.log(line(100), INFO);
  t.equal(log.lost.get('log'), 70);
  for (let i = 0; i < 100; i++) log.log(line(100), ERROR);
  t.equal(log.lost.get('log'), 70 + 90);
  t.ok(log.audit(line(100), { uid: 1, act: 'grant' }), 'the audit has room of its own');
});

t.test('a disk that is full: nothing throws, and it is told when there is room', async (t) => {
  const { writer, queue: log } = queue();
  writer.failing = true;
  log.log(line(100), INFO);
  t.ok(log.audit(line(100), { uid: 1001, act: 'grant' }));
  log.log(line(100), INFO);
  t.equal(log.lost.get('uid 1001'), 1);
  // It tries to tell of them, again and again, and that is no loss of its own.
  await eventually(() => log.lost.get('log') === 2, 'both are lost');
  await new Promise((resolve) => setTimeout(resolve, 600));
  writer.failing = false;
  await eventually(() => writer.read().length > 0, 'there is room');
  t.same(writer.read(), [{ lost: { log: 2, 'uid 1001': 1 } }]);
  t.same([...log.lost].sort(), [
    ['log', 2],
    ['uid 1001', 1],
  ]);
});

t.test('whatever happens, each line is written or counted', async (t) => {
  const anyLine = fc.record({
    size: fc.integer({ min: 10, max: 900 }),
    account: fc.option(
      fc.record({ uid: fc.integer({ min: 0, max: 3 }), act: fc.constantFrom('grant', 'redeem') }),
    ),
  });
  const step = fc.oneof(anyLine, fc.constantFrom('stop', 'go', 'fail', 'mend'));
  const property = fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const { writer, queue: log } = queue();
    let asked = 0;
    for (const each of steps) {
      if (each === 'stop' || each === 'go') writer.stopped = each === 'stop';
      else if (each === 'fail' || each === 'mend') writer.failing = each === 'fail';
      else if (typeof each === 'object') {
        asked++;
        const { account, size } = each;
        if (account === null) log.log(line(size), INFO);
        else if (!log.audit(line(size), account)) log.lose(account);
      }
    }
    writer.failing = false;
    writer.stopped = false;
    asked++;
    log.log(line(10), ERROR);
    // A last look, which takes note of what failed before it.
    asked++;
    log.log(line(10), ERROR);
    const lost = [...log.lost.values()].reduce((sum, count) => sum + count, 0);
    const told = writer.read().filter((each) => typeof each === 'object').length;
    return writer.read().length - told + lost === asked;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});
