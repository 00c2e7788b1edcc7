/** A record is a line at level info, however quiet the log is; or none where no audit is wanted. */
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { WhenFull } from '../../../src/server/config/when-full.js';
import { AuditSink } from '../../../src/server/events/audit-sink.js';
import { MAX_REFUSAL_LINES } from '../../../src/server/events/refusal-lines.js';
import { Log } from '../../../src/server/log/log.js';
import { AUDIT_BYTES } from '../../../src/server/log/queue.js';
import type { AuditNote } from '../../../src/server/words/audit.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/daemon.js';
import { FakeWriter } from '../log/support/writer.js';

const record: AuditNote = {
  act: 'grant',
  at: '2026-01-01T00:00:00.000Z',
  who: null,
  about: { size: 7 },
};
const nobody = { client: null, uid: null, pid: null, executable: null, unit: null, rest: true };

function audited(wanted: boolean, whenFull: WhenFull = 'drop') {
  const writer = new FakeWriter();
  const log = new Log(writer, 'error');
  const held: boolean[] = [];
  const sink = new AuditSink(log, new FakeClock(), {
    wanted,
    whenFull,
    held: (is) => held.push(is),
  });
  return { writer, log, sink, held };
}

function lines(wanted: boolean, records: readonly AuditNote[]): object[] {
  const { writer, log, sink } = audited(wanted);
  sink.acted(records);
  log.logger.info('not said');
  sink.close();
  log.flush();
  return writer.read();
}

t.test('a quiet log', async (t) => {
  const about = { level: 30, component: 'audit', who: null, size: 7 };
  const records = [record, { ...record, act: 'redeem' }] as const;
  t.match(lines(true, records), [
    { ...about, act: 'grant', msg: 'grant' },
    { ...about, act: 'redeem', msg: 'redeem' },
  ]);
  t.same(lines(false, records), []);
});

t.test('a flood of refusals is cut and counted, for each caller; acts never are', async (t) => {
  const refusals = (token: string | null, uid: number | null, count: number): AuditNote[] =>
    Array(count).fill({ ...record, act: 'refusal', who: { ...nobody, uid, token } });
  const many = MAX_REFUSAL_LINES + 5;
  const written = lines(true, [
    ...refusals(null, null, many),
    ...refusals('grafana', null, many + 1),
    ...refusals(null, 1000, 2),
    ...Array<AuditNote>(many).fill(record),
  ]);
  t.equal(written.length, 2 * MAX_REFUSAL_LINES + 2 + many + 2);
  t.match(written.slice(-2), [
    { act: 'refusal', by: 'anonymous', suppressed: 5 },
    { act: 'refusal', by: 'token grafana', suppressed: 6 },
  ]);
});

/** Acts until nothing more of them fits; more than that in all: each takes more bytes than the executable's name. */
const EXECUTABLE = `/usr/bin/${'x'.repeat(500)}`;
const FLOOD = Math.ceil(AUDIT_BYTES / EXECUTABLE.length);
const of = (act: AuditNote['act'], uid = 1001): AuditNote => ({
  ...record,
  act,
  who: { ...nobody, uid, token: null, executable: EXECUTABLE },
});
const flood = (uid: number): AuditNote[] => Array(FLOOD).fill(of('grant', uid));

t.test(
  'a log that nobody reads: acts are lost and counted, and told of when it is read',
  async (t) => {
    const { writer, log, sink, held } = audited(true);
    t.teardown(() => sink.close());
    writer.stopped = true;
    sink.acted(flood(1001));
    const { length } = flood(1001);
    const lost = log.lost.get('uid 1001') ?? 0;
    t.ok(lost > 0);
    const redeem = {
      ...record,
      act: 'redeem',
      who: { ...nobody, uid: 1001, token: null },
    } as const;
    sink.acted([redeem]);
    t.equal(log.lost.get('uid 1001'), lost, 'what else the user does has room all the same');
    sink.acted([{ ...redeem, who: { ...nobody, uid: 1002, token: null } }]);
    t.equal(log.lost.get('uid 1002'), undefined, 'and what others do');
    writer.stopped = false;
    await eventually(() => writer.read().length > length - lost + 2, 'it tells of them');
    const all = writer.read();
    t.equal(all.length, length - lost + 3, 'each act is a line or counted');
    t.match(all.at(-1), { level: 40, lost: { 'uid 1001': lost } });
    t.same(held, [], 'nobody waited');
  },
);

t.test('a flood of several kinds of act: what else the same user does is written', async (t) => {
  const kinds = ['grant', 'release', 'share', 'revoke', 'renew', 'rename'] as const;
  for (let count = 1; count <= kinds.length; count++) {
    const { writer, log, sink } = audited(true);
    t.teardown(() => sink.close());
    writer.stopped = true;
    // In turn, as allocations do it.
    const flooding = kinds.slice(0, count).map((act) => of(act));
    const acts = Array.from({ length: FLOOD }, (_, i) => flooding[i % count] as AuditNote);
    sink.acted(acts);
    const lost = log.lost.get('uid 1001') ?? 0;
    t.ok(lost > 0);
    const others = [
      ...Array<AuditNote>(50).fill(of('redeem')),
      of('recall'),
      ...Array<AuditNote>(50).fill(of('grant', 1002)),
    ];
    sink.acted(others);
    t.equal(log.lost.get('uid 1001'), lost, `beside ${count} kinds`);
    t.equal(log.lost.get('uid 1002'), undefined, 'and what others do');
    sink.close();
    writer.stopped = false;
    log.flush();
    const kept = acts.length - lost + others.length;
    t.equal(writer.read().filter((line) => 'act' in line).length, kept);
  }
});

t.test(
  'audit_when_full = "block": no act is lost, and nobody is served until it is written',
  async (t) => {
    const { writer, log, sink, held } = audited(true, 'block');
    t.teardown(() => sink.close());
    writer.stopped = true;
    const acts = flood(1001);
    sink.acted(acts);
    t.same(held, [true]);
    t.ok(sink.held);
    await setTimeout(120); // looks meanwhile
    t.same(held, [true], 'as long as there is no room');
    writer.stopped = false;
    await eventually(() => !sink.held, 'it goes on');
    t.same(held, [true, false]);
    log.flush(); // the last lines go to the writer at the end of a turn
    t.equal(writer.read().length, acts.length, 'all of them');
    t.equal(log.lost.size, 0);
  },
);

t.test('the end of a daemon whose acts wait for the log', async (t: Test) => {
  const { writer, log, sink } = audited(true, 'block');
  writer.stopped = true;
  sink.acted(flood(1001));
  sink.close();
  t.ok((log.lost.get('uid 1001') ?? 0) > 0, 'what has no line is counted');
});
