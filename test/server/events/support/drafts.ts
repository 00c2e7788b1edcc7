/** Events as the data plane sends them. */
import type { EventDraft } from '../../../../src/server/words/messages.js';

export function draft(known: Partial<EventDraft>): EventDraft {
  return {
    type: 'buffer.created',
    time: '2026-11-20T08:15:30.123Z',
    buffer: null,
    size: null,
    client: null,
    uid: null,
    pid: null,
    executable: null,
    owner: null,
    code: null,
    reason: null,
    ...known,
  };
}
