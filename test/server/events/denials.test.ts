/** A request that REST refuses by itself is told as a refusal of the data plane is: as an event and in the audit. */
import t from 'tap';
import { NO_CGROUP } from '../../../src/broker/cgroup.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { Denials } from '../../../src/server/events/denials.js';
import { MAX_REFUSAL_LINES } from '../../../src/server/events/refusal-lines.js';
import { EventRing } from '../../../src/server/events/ring.js';
import type { AuditNote } from '../../../src/server/words/audit.js';
import { FakeClock } from '../../support/clock.js';

const error = new BrokerError('permission_denied', 'drainPool needs the role admin', {
  constraint: 'role',
});

function make(t: { teardown(end: () => void): void }) {
  const ring = new EventRing();
  const notes: AuditNote[] = [];
  const acted = (more: readonly AuditNote[]) => notes.push(...more);
  const denials = new Denials(ring, { acted }, new FakeClock());
  t.teardown(() => denials.close());
  return { ring, notes, denials };
}

const caller = (uid: number) => ({
  name: `uid ${uid}`,
  requester: { ...NO_CGROUP, pid: 7, uid, gid: 1, groups: [], executable: 'curl' },
});

t.test('who, what and why', async (t) => {
  const { ring, notes, denials } = make(t);
  denials.tell(caller(1000), error);
  const { id, time, ...event } = ring.at(1);
  t.same(event, {
    type: 'refusal',
    buffer: null,
    size: null,
    client: null,
    uid: 1000,
    pid: 7,
    executable: 'curl',
    owner: null,
    code: 'permission_denied',
    reason: error.message,
  });
  t.match(notes, [
    {
      act: 'refusal',
      at: time,
      who: { uid: 1000, rest: true },
      about: null,
      code: 'permission_denied',
      reason: error.message,
      constraint: 'role',
    },
  ]);
});

t.test('somebody without a process is named by its token', async (t) => {
  const { ring, notes, denials } = make(t);
  const nobody = { ...NO_CGROUP, pid: null, uid: null, gid: null, groups: null, executable: null };
  denials.tell({ name: 'token grafana', requester: { ...nobody, token: 'grafana' } }, error);
  t.match(ring.at(1), { type: 'refusal', uid: null, pid: null });
  t.match(notes, [{ who: { uid: null, token: 'grafana', rest: true } }]);
});

t.test('a flood of refused requests does not push the other events out of the ring', async (t) => {
  const { ring, notes, denials } = make(t);
  for (let i = 0; i < MAX_REFUSAL_LINES + 5; i++) denials.tell(caller(1000), error);
  t.equal(ring.next - 1, MAX_REFUSAL_LINES);
  t.equal(notes.length, MAX_REFUSAL_LINES + 5, 'the audit counts for itself');
  denials.tell(caller(1001), error);
  t.match(ring.at(MAX_REFUSAL_LINES + 1), { uid: 1001 }, 'each caller has its own count');
});
