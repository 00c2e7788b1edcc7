/**
 * Where the audit goes: one line each into the daemon's log, from a child logger with a level of its
 * own, so that the log's level takes nothing from it.
 */
import type { Logger } from 'pino';
import type { AuditRecord } from './record.js';

export type AuditSink = (records: readonly AuditRecord[]) => void;

/** A sink that drops everything where no audit is wanted. */
export function auditSink(logger: Logger, wanted: boolean): AuditSink {
  if (!wanted) return () => {};
  const lines = logger.child({ component: 'audit' }, { level: 'info' });
  return (records) => {
    for (const record of records) lines.info(record, record.act);
  };
}
