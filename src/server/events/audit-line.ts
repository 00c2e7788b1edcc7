/**
 * A record of the audit as a line of the log: the bytes that pino would write for it, in a quarter of the time, since the
 * main thread writes one for each act of each client. Who and what it is about are the same objects for all acts that have
 * them in common (words/audit.ts), and their text is made once.
 */
import { pino } from 'pino';
import type { AuditNote } from '../words/audit.js';

export const LEVEL = pino.levels.values.info as number;

const texts = new WeakMap<object, string>();

function textOf(part: object): string {
  let text = texts.get(part);
  if (text === undefined) {
    text = JSON.stringify(part);
    texts.set(part, text);
  }
  return text;
}

/** `time` is when the line is made (RFC 3339). */
export function lineOf(note: AuditNote, time: string): string {
  const { act, at, who, about } = note;
  let line = `{"level":${LEVEL},"time":"${time}","component":"audit","act":"${act}","at":"${at}","who":`;
  line += who === null ? 'null' : textOf(who);
  if (about !== null) line += inner(textOf(about));
  for (const key in note) {
    if (key === 'act' || key === 'at' || key === 'who' || key === 'about') continue;
    const value = note[key as keyof AuditNote];
    if (value !== undefined) line += `,"${key}":${JSON.stringify(value)}`;
  }
  return `${line},"msg":"${act}"}\n`;
}

/** An object's members, behind others. */
const inner = (object: string): string => (object === '{}' ? '' : `,${object.slice(1, -1)}`);
