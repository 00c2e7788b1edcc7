/** A record is a line at level info, however quiet the log is; or none where no audit is wanted. */

import pino from 'pino';
import t from 'tap';
import type { AuditNote } from '../../../src/server/audit/record.js';
import { AuditSink } from '../../../src/server/audit/sink.js';
import { MAX_REFUSAL_LINES } from '../../../src/server/refusal-lines.js';
import { FakeClock } from '../../support/clock.js';

const record: AuditNote = {
  act: 'grant',
  at: '2026-01-01T00:00:00.000Z',
  who: null,
  about: { size: 7 },
};

function lines(wanted: boolean, records: readonly AuditNote[]): unknown[] {
  const written: unknown[] = [];
  const write = (line: string) => written.push(JSON.parse(line));
  const logger = pino({ level: 'error', base: null }, { write });
  const sink = new AuditSink(logger, wanted, new FakeClock());
  sink.acted(records);
  logger.info('not said');
  sink.close();
  return written;
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
  const nobody = { client: null, uid: null, pid: null, executable: null, unit: null, rest: true };
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
