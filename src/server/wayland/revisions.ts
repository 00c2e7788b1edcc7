/**
 * What a buffer's object is told and asked of revisions: the document that a client sends with the next one, and
 * those that others have published.
 *
 * An object is told of one revision at a time: who does not read has the daemon hold one document for it (which is its
 * user's charge when there is another, broker/document.ts), and hears of the newest when it has read that.
 *
 * Owns: the memfds that the client has sent and that were not committed yet.
 */
import type { Document } from '../../broker/document.js';
import type { Committed } from '../../broker/lasting.js';
import { BrokerError } from '../../memory/errors.js';
import type { dmabroker_buffer_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import type { Resource } from './resource.js';
import type { Subject } from './subject.js';

const noWriter = (): BrokerError =>
  new BrokerError('permission_denied', 'only the writer commits: claim the buffer as such', {
    constraint: 'writer',
  });

/** A document on its way in. */
class SentDocument {
  #open = true;

  constructor(
    private readonly connection: Connection,
    private readonly fd: number,
    private readonly size: number,
  ) {}

  /** A copy. Throws BrokerError where it is not what a document is to be. */
  read(): Uint8Array {
    return this.connection.foreign.content(this.fd, this.size);
  }

  close(): void {
    if (this.#open) this.connection.foreign.close(this.fd);
    this.#open = false;
  }
}

export class Revisions {
  #sent: SentDocument | null = null;
  /** One is on its way. */
  #isTelling = false;
  /** There was another one meanwhile. */
  #isBehind = false;
  #ended = false;
  /** The revision that it was told of last. */
  #told = -1;

  constructor(
    /** The object, which watches the buffer. */
    private readonly subject: Subject,
    private readonly resource: Resource<typeof dmabroker_buffer_v1>,
  ) {}

  /** In place of what was sent for the same commit before. */
  setMetadata(fd: number, size: number): void {
    this.#sent?.close();
    this.#sent = new SentDocument(this.subject.connection, fd, size);
  }

  /** A request for the next revision, or this one, with the document that was sent for it. */
  commit(revision: number): void {
    const { subject } = this;
    const { broker, connection } = subject;
    const document = this.#sent;
    this.#sent = null;
    const refused = (error: BrokerError) => {
      document?.close();
      subject.refused(error, this.resource, 'commit_refused');
    };
    subject.awaited.ask((buffer) => {
      const request = { revision, metadata: document && (() => document.read()) };
      const by = { client: connection.client, watcher: subject, waiting: connection.waits.answer };
      if (buffer.lasting !== null && !subject.isWriter) throw noWriter();
      broker.commits.commit(by, buffer, request, (result) => {
        if ('error' in result) {
          refused(result.error);
          return;
        }
        document?.close();
        this.#answer(result);
      });
    }, refused);
  }

  /** The answer to its own commit, whose document the client has. */
  #answer(committed: Committed): void {
    if (this.#ended) return;
    // It is newer than what waits.
    this.#isBehind = false;
    this.#event(committed, true);
  }

  /** The object is told; `anyway`: now, since it is shown the buffer, for which there was room. */
  tell(committed: Committed, anyway = false): void {
    if (this.#ended) return;
    const { metadata } = committed;
    // Told when the object was made, and once more with all others.
    if (committed.revision === this.#told) return;
    if (this.#isTelling) {
      this.#isBehind = true;
      return;
    }
    const sent = metadata === null ? () => {} : this.#send(metadata, anyway);
    if (sent === null) return;
    this.#isTelling = true;
    const events = () => {
      if (metadata !== null) {
        this.resource.event('metadata', metadata.held.fds[0] ?? -1, metadata.size);
      }
      this.#event(committed, false);
    };
    this.subject.connection.packet(metadata?.held ?? null, events, () => {
      sent();
      this.#received();
    });
  }

  /** As `Commits.send`. */
  #send(document: Document, anyway: boolean): (() => void) | null {
    const { subject } = this;
    const { buffer } = subject.awaited;
    const by = { client: subject.connection.client, watcher: subject };
    return buffer && subject.broker.commits.send(by, buffer, document, anyway);
  }

  #event({ revision, digest }: Committed, answer: boolean): void {
    this.#told = revision;
    this.resource.event('committed', hi(revision), lo(revision), digest, answer ? 1 : 0);
  }

  #received(): void {
    this.#isTelling = false;
    const next = this.#isBehind ? this.subject.awaited.buffer?.lasting?.committed : null;
    this.#isBehind = false;
    if (next != null) this.tell(next);
  }

  /** The object has gone. */
  end(): void {
    this.#ended = true;
    this.#sent?.close();
    this.#sent = null;
  }
}
