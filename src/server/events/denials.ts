/**
 * Requests that REST itself refuses, before anybody else is asked: told as the data plane tells of its
 * refusals, from main.
 */
import { toldOf } from '../../broker/told.js';
import { type Clock, dateText } from '../../memory/clock.js';
import type { BrokerError } from '../../memory/errors.js';
import { auditNote, eventDraft } from '../words/events.js';
import { ownerOf, type Requester } from '../words/requester.js';
import type { AuditSink } from './audit-sink.js';
import { RefusalLines } from './refusal-lines.js';
import type { EventRing } from './ring.js';

export class Denials {
  /** A flood of requests that are refused is not to push everything else out of the ring. */
  readonly #events = new RefusalLines(() => {});

  constructor(
    private readonly ring: EventRing,
    private readonly audit: Pick<AuditSink, 'acted'>,
    private readonly clock: Clock,
  ) {}

  /** `name`: of whom refusals are counted together. */
  readonly tell = (
    { name, requester }: { readonly name: string; readonly requester: Requester },
    error: BrokerError,
  ): void => {
    const told = toldOf({ type: 'refusal', error, by: ownerOf(requester), buffer: null });
    const time = dateText(this.clock, this.clock.now());
    if (this.#events.admit(name)) this.ring.push([eventDraft(told, time, this.clock)]);
    const note = auditNote(told, time);
    if (note !== null) this.audit.acted([note]);
  };

  close(): void {
    this.#events.close();
  }
}
