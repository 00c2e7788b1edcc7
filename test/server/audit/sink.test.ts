/** A record is a line at level info, however quiet the log is; or none where no audit is wanted. */
import pino from 'pino';
import t from 'tap';
import type { AuditRecord } from '../../../src/server/audit/record.js';
import { auditSink } from '../../../src/server/audit/sink.js';

const record: AuditRecord = { act: 'grant', at: '2026-01-01T00:00:00.000Z', who: null };

function lines(wanted: boolean): unknown[] {
  const written: unknown[] = [];
  const write = (line: string) => written.push(JSON.parse(line));
  const logger = pino({ level: 'error', base: null }, { write });
  const sink = auditSink(logger, wanted);
  sink([record, { ...record, act: 'redeem' }]);
  logger.info('not said');
  return written;
}

t.test('a quiet log', async (t) => {
  const about = { level: 30, component: 'audit', who: null };
  t.match(lines(true), [
    { ...about, act: 'grant', msg: 'grant' },
    { ...about, act: 'redeem', msg: 'redeem' },
  ]);
  t.same(lines(false), []);
});
