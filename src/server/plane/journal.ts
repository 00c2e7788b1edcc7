/**
 * What main does not know yet of the registry: the buffers and clients that have changed since they
 * were last sent. Main asks before it answers a list; what has changed by then is sent in small
 * messages, a few records in each turn, so that no client waits for a long list to be copied, and
 * what nobody asks about costs nothing.
 */
import type { Broker } from '../../broker/broker.js';
import { BrokerBuffer, type Client } from '../../broker/buffer.js';
import type { Clock, Monotonic } from '../../memory/clock.js';
import type { Changes, PlaneMessage } from '../words/messages.js';
import { bufferView, clientView } from './views.js';

/** What is copied in one turn: 5 to 20 µs each, so that a turn grows by some tenths of a millisecond. */
export const RECORDS_PER_TURN = 16;

export class Journal {
  /** With the number of its first change that was not sent, oldest first. */
  readonly #changed = new Map<BrokerBuffer | Client, number>();
  /** What main knows of. */
  readonly #sent = new Set<BrokerBuffer | Client>();
  #gone: (BrokerBuffer | Client)[] = [];
  /** When the next token of a buffer expires, which shows and is not told by anybody. */
  readonly #expiring = new Map<BrokerBuffer, Monotonic>();
  #soonest = Number.POSITIVE_INFINITY;
  #changes = 0;
  /** As of the dates in what was sent. */
  #timesSet = 0;
  /** Main's questions: answered when all changes up to a number are sent. */
  readonly #asked: { readonly seq: number; readonly upTo: number }[] = [];

  constructor(
    private readonly broker: () => Broker,
    private readonly clock: Clock,
    private readonly post: (message: PlaneMessage) => void,
  ) {}

  changed(record: BrokerBuffer | Client): void {
    this.#changes++;
    if (!this.#changed.has(record)) this.#changed.set(record, this.#changes);
  }

  gone(record: BrokerBuffer | Client): void {
    this.#changes++;
    this.#changed.delete(record);
    if (record instanceof BrokerBuffer) this.#expiring.delete(record);
    if (this.#sent.delete(record)) this.#gone.push(record);
  }

  /** Main wants to know everything that has happened until now. */
  ask(seq: number): void {
    this.#findExpired();
    this.#dateAgain();
    this.#asked.push({ seq, upTo: this.#changes });
  }

  /** Whether `run` has more to do. */
  get behind(): boolean {
    return this.#asked.length > 0;
  }

  /** To be called in every turn. */
  run(): void {
    if (!this.behind) return;
    const changes = this.#take();
    if (changes !== null) this.post({ kind: 'changes', changes });
    const [oldest = Number.POSITIVE_INFINITY] = this.#changed.values();
    for (let next = this.#asked[0]; next !== undefined; next = this.#asked[0]) {
      if (next.upTo >= oldest) break;
      this.post({ kind: 'answer', seq: next.seq, value: null });
      this.#asked.shift();
    }
  }

  #take(): Changes | null {
    if (this.#changed.size === 0 && this.#gone.length === 0) return null;
    const changes = {
      buffers: [] as Changes['buffers'][number][],
      clients: [] as Changes['clients'][number][],
      goneBuffers: [] as string[],
      goneClients: [] as string[],
    };
    for (const record of this.#gone) {
      (record instanceof BrokerBuffer ? changes.goneBuffers : changes.goneClients).push(record.id);
    }
    this.#gone = [];
    let records = 0;
    for (const record of this.#changed.keys()) {
      if (records >= RECORDS_PER_TURN) break;
      this.#changed.delete(record);
      this.#sent.add(record);
      if (record instanceof BrokerBuffer) {
        const view = bufferView(this.broker(), record);
        records += 1 + view.recipients.length;
        changes.buffers.push(view);
        this.#expects(record);
        // Main now knows that they have it, and must hear when they leave.
        for (const { client } of record.recipients) if (client.connected) this.#sent.add(client);
      } else {
        records++;
        changes.clients.push(clientView(record, this.clock));
      }
    }
    return changes;
  }

  #expects(buffer: BrokerBuffer): void {
    const at = this.broker().sharing.tokens.nextExpiry(buffer);
    if (at === null) this.#expiring.delete(buffer);
    else {
      this.#expiring.set(buffer, at);
      this.#soonest = Math.min(this.#soonest, at);
    }
  }

  /** The machine's date was set: all that was sent is dated otherwise now. */
  #dateAgain(): void {
    const { timesSet } = this.clock;
    if (timesSet === this.#timesSet) return;
    this.#timesSet = timesSet;
    for (const record of this.#sent) this.changed(record);
  }

  #findExpired(): void {
    const now = this.clock.now();
    if (this.#soonest > now) return;
    this.#soonest = Number.POSITIVE_INFINITY;
    for (const [buffer, at] of this.#expiring) {
      if (at > now) this.#soonest = Math.min(this.#soonest, at);
      else {
        this.#expiring.delete(buffer);
        this.changed(buffer);
      }
    }
  }
}
