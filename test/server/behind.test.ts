/**
 * A main thread that stands still: clients are served until half of what may wait to be told does (event-rows.ts),
 * and go on when it does; nothing is lost meanwhile.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { MAX_UNREAD_EVENTS } from '../../src/memory/limits.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { stopThread } from '../support/stopped-thread.js';

const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const WAITING = MAX_UNREAD_EVENTS / 2;
/** Each is an event. */
const RENEWALS = WAITING + 5000;
const AT_ONCE = 500;

t.test('a main thread that stands still, and goes on', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ ...MEMFD, lifetime: { lease: 600 } });
  const main = readFileSync(`/proc/${daemon.pid}/comm`, 'utf8').trimEnd();
  const goOn = stopThread(daemon.pid, main);
  let answered = 0;
  const renewing = (async () => {
    for (let left = RENEWALS; left > 0; left -= AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, left) }, () => buffer.renew(600));
      await Promise.all(some.map((each) => each.then(() => answered++)));
    }
  })();
  let before = -1;
  await eventually(async () => {
    if (answered >= WAITING - AT_ONCE && answered === before) return true;
    before = answered;
    await sleep(200);
    return false;
  }, 'nobody is answered any more');
  t.ok(answered < RENEWALS, `${answered} were answered while it stood still`);
  goOn();
  await renewing;
  t.equal(answered, RENEWALS);
  const { body } = await daemon.rest('GET', `/v1/buffers/${buffer.id}/history`);
  t.equal(body.events.length + body.forgotten, RENEWALS + 1);
  await buffer.close();
  client.close();
  t.equal(await daemon.stop(), 0);
});
