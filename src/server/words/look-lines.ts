/**
 * What the process that may look at all others (server/looker) tells the daemon: a line of JSON for each process
 * that has shareable memory, and a last one with what could not be seen. The daemon says nothing to it.
 */
import type { Seen, Unseen } from '../machine/look.js';
import type { ProcessInfo, Use } from '../machine/proc.js';

/** Where it listens (dmabroker-holders.socket). Root alone may make a file there. */
export const LOOKER_SOCKET = '/run/dmabroker-holders.sock';

type SeenLine = ProcessInfo & { readonly uses: readonly (readonly [string, Use])[] };

interface UnseenLine {
  readonly unreadable: number;
  readonly unread: readonly number[];
  readonly hidden: boolean;
  readonly inFlight: readonly (readonly [number, number])[];
}

export function seenLine({ info, uses }: Seen): string {
  const line: SeenLine = { ...info, uses: [...uses] };
  return `${JSON.stringify(line)}\n`;
}

export function unseenLine({ unreadable, unread, hidden, inFlight }: Unseen): string {
  const line: UnseenLine = { unreadable, unread: [...unread], hidden, inFlight: [...inFlight] };
  return `${JSON.stringify(line)}\n`;
}

/** Throws SyntaxError where it is no line of these. */
export function readLine(text: string): { seen: Seen } | { unseen: Unseen } {
  const line = JSON.parse(text) as Partial<SeenLine & UnseenLine> | null;
  if (typeof line?.pid === 'number' && Array.isArray(line.uses)) {
    const { uses, ...info } = line as SeenLine;
    return { seen: { info, uses: new Map(uses) } };
  }
  if (typeof line?.unreadable === 'number' && Array.isArray(line.inFlight)) {
    const { unreadable, unread, hidden, inFlight } = line as UnseenLine;
    return {
      unseen: { unreadable, unread: new Set(unread), hidden, inFlight: new Map(inFlight) },
    };
  }
  throw new SyntaxError('the line is neither a process nor the end');
}
