/**
 * dmabroker_buffer_v1: a client's object for a buffer that it allocated or redeemed. The object is not the
 * buffer: destroying one client's object leaves others' alone.
 */
import type { AdoptionRequest } from '../../broker/adoption.js';
import type { Broker, ImportRequest } from '../../broker/broker.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import type { ClaimTerms } from '../../broker/claims.js';
import type { Committed } from '../../broker/lasting.js';
import type { Lease } from '../../broker/leases.js';
import type { RecallNotice, ToldRelease } from '../../broker/lifetime.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { Redemption } from '../../broker/sharing.js';
import { BrokerError } from '../../memory/errors.js';
import { fdsOf } from '../../memory/faces.js';
import { asRefusal, type Result } from '../../memory/result.js';
import type { HandleType } from '../../memory/source.js';
import { dmabroker_buffer_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type { Connection } from './connection.js';
import { describe } from './description.js';
import { type RefusalEvent, type Refusing, refuse } from './failure.js';
import { AwaitedBuffer } from './order.js';
import type { Packet } from './output.js';
import type { Requests, Resource } from './resource.js';
import { Revisions } from './revisions.js';
import { ShareObject } from './share.js';
import { connectionEnded, type Subject } from './subject.js';

const givenUp = (how: string) =>
  new BrokerError('not_found', `the buffer's object was ${how} while it waited for memory`);

const noRight = (message: string) =>
  new BrokerError('permission_denied', message, { constraint: 'rights' });

export class BufferObject implements Requests<typeof dmabroker_buffer_v1>, Subject {
  readonly #resource: Resource<typeof dmabroker_buffer_v1>;
  readonly awaited: AwaitedBuffer;
  /** The message with the first `done`: what was sent with it, the client may know. */
  #done: Packet | null = null;
  hasGone = false;
  /** Ends its waiting for memory; null where it was not asked for by this object. */
  #giveUpWaiting: ((why: BrokerError) => void) | null = null;
  #released = false;
  /** It speaks for the buffer's owner, as long as its connection is that (`#owner`). */
  #forOwner = false;
  /** The client knew the buffer before it asked: it would find it again, whatever it has read. */
  #known = false;
  /** The token that was redeemed for it has the right. */
  #mayRenew = false;
  isWriter = false;
  /** It has no others of the buffer's; null: it has all. */
  #types: readonly HandleType[] | null = null;
  /** `reissue` was sent and is not answered. */
  #reissuing = false;
  /** Withdraws a claim that waits. */
  #withdraw: (() => void) | null = null;
  /** What is told and asked of revisions; none for most. */
  #revisions: Revisions | null = null;

  constructor(
    readonly broker: Broker,
    readonly connection: Connection,
    id: number,
    readonly version: number,
  ) {
    this.awaited = new AwaitedBuffer(connection.waits);
    this.#resource = connection.objects.create(id, dmabroker_buffer_v1, version, this);
  }

  /** Asks the broker for memory; the answer comes later as events. */
  allocate(request: AllocationRequest): void {
    this.asked();
    this.givesUpBy(
      this.broker.allocate(
        this.#self,
        request,
        (result) => this.answered(result),
        (place) => this.waits(place),
      ),
    );
  }

  /** Memory is asked for, which is to be its connection's. */
  asked(): void {
    this.#forOwner = true;
    this.awaited.asked();
  }

  /** What ends its waiting for memory. */
  givesUpBy(giveUp: (why: BrokerError) => void): void {
    this.#giveUpWaiting = giveUp;
  }

  /** It waits for memory, at this place. */
  waits(place: number): void {
    if (!this.hasGone) this.#resource.event('waiting', place);
  }

  /** Registers memory that the client brings; the fds are the broker's from here on. */
  import(request: ImportRequest): void {
    this.#forOwner = true;
    this.broker.import(this.#self, request, (result) => this.answered(result));
  }

  /**
   * Takes up what an earlier connection had. Returns which of the request's fds are the broker's now, or
   * `unknown`, where nothing was done since the session is not known.
   */
  adopt(request: AdoptionRequest): readonly number[] | 'unknown' {
    try {
      const adopted = this.broker.adopt(this.connection.client, request);
      if (adopted === null) return 'unknown';
      this.#forOwner = adopted.isOwner;
      this.isWriter = adopted.isWriter;
      this.#known = true;
      this.#mayRenew = adopted.mayRenew;
      this.show(adopted.buffer);
      // What it was told, or would have been, while nobody was there to hear it.
      if (adopted.buffer.state === 'lost') this.lost(adopted.buffer.generation);
      this.#recalled(adopted.buffer);
      return adopted.taken;
    } catch (error) {
      this.failed(asRefusal(error));
      return [];
    }
  }

  /** Asks for a buffer by its lasting name: there may be one later. */
  claim(terms: ClaimTerms): void {
    this.awaited.unasked();
    const withdraw = this.broker.claim(this.connection.client, this, terms, (result) => {
      this.#withdraw = null;
      if ('error' in result) {
        this.failed(result.error);
        return;
      }
      this.#forOwner = result.isOwner;
      this.isWriter = result.isWriter;
      this.#mayRenew = result.mayRenew;
      this.#known = true;
      this.show(result.buffer);
      this.#recalled(result.buffer);
    });
    if (!this.awaited.settled) this.#withdraw = withdraw;
  }

  /** What its owner was asked for while nobody was there to hear it. */
  #recalled(buffer: BrokerBuffer): void {
    const recall = this.broker.quotas.recalls.ofBuffer(buffer);
    if (!this.#owner || recall === null) return;
    const seconds = Math.max(0, (recall.deadline - this.broker.clock.now()) / 1000);
    this.recalled(recall.reason, seconds);
  }

  get #self(): Owner {
    return this.connection.owner;
  }

  /**
   * Whether it may do what only the buffer's owner may: asked of the buffer each time, which may have another
   * owner by now (succession.ts). What was redeemed speaks for nobody, on whichever connection.
   */
  get #owner(): boolean {
    return this.#forOwner && this.awaited.buffer?.owner.client === this.connection.client;
  }

  /** What came of what it has asked for. */
  answered(result: Result<BrokerBuffer>): void {
    if ('error' in result) this.failed(result.error);
    else if (this.hasGone) this.#giveUp(result);
    else {
      this.isWriter = result.lasting?.writer === this.connection.client;
      this.show(result);
    }
  }

  /**
   * It was made for an object that has gone. What was asked before is done all the same, as it is where the
   * buffer is there at once; its release has its turn behind that. With the connection everything ends.
   */
  #giveUp(buffer: BrokerBuffer): void {
    if (this.connection.closing) {
      this.broker.release(buffer, 'owner');
      // Others may wait for this answer: objects that were destroyed before the connection ended.
      this.awaited.answer(connectionEnded());
      return;
    }
    this.awaited.buffer = buffer;
    this.awaited.answer(null);
  }

  /** Sends the buffer: info, its memories, planes and done in one message, with all fds. */
  show(buffer: BrokerBuffer): void {
    const resource = this.#resource;
    this.awaited.buffer = buffer;
    buffer.watchers.add(this);
    // What was published of it comes first.
    if (buffer.lasting?.committed != null) this.#published.tell(buffer.lasting.committed, true);
    const types = this.#types;
    const held = types && buffer.held.some(fdsOf(buffer.allocation, types));
    const done = this.connection.packet(held ?? buffer.held, () => {
      describe(buffer, this.connection.output, resource.id, types);
      const lease = this.broker.leases.of(buffer);
      if (lease !== null) this.leased(lease.endsIn);
      this.connection.write(dmabroker_buffer_v1.event.done, resource.id);
      if (lease?.graceLeft != null) this.recalled('lease_expired', lease.graceLeft);
    });
    if (done !== null && this.#done === null) {
      done.told = done.told.length === 0 ? [this] : [...done.told, this];
    }
    this.#done ??= done;
    this.broker.sharing.handedOut(buffer, this.connection.client, this.#mayRenew, held?.fds.length);
    held?.release();
    this.awaited.answer(null);
  }

  /** Shows what a token stood for, as some of its handle types. */
  redeemed({ buffer, mayRenew }: Redemption, types: readonly HandleType[] | null = null): void {
    this.#mayRenew = mayRenew;
    this.#types = types;
    this.show(buffer);
  }

  /** `change` is answered with the lease that there is then. */
  #lease(change: (buffer: BrokerBuffer) => Lease): void {
    this.awaited.ask(
      (buffer) => this.#tellLease(change(buffer).endsIn, 1),
      (error) => this.refused(error, this.#resource, 'lease_refused'),
    );
  }

  refused<I extends Refusing>(
    error: BrokerError,
    resource: Resource<I>,
    event: RefusalEvent = 'failed',
  ): void {
    this.broker.refused(this.#self, error, this.awaited.buffer);
    refuse(this.broker, { owner: this.#self, resource, event }, error);
  }

  failed(error: BrokerError): void {
    this.broker.refused(this.#self, error, this.awaited.buffer);
    this.failedWith(error);
  }

  /** The same of a refusal that is noted already. */
  failedWith(error: BrokerError): void {
    refuse(this.broker, { owner: this.#self, resource: this.#resource }, error);
    this.awaited.answer(error);
  }

  // ---- what becomes of the buffer ---------------------------------------------------------------

  recalled(reason: RecallNotice, seconds: number): void {
    if (!this.#owner && reason !== 'lease_expired') return;
    const { recall_reason } = dmabroker_buffer_v1.enums;
    this.#resource.event('recall', recall_reason[reason], Math.ceil(seconds));
  }

  leased(seconds: number): void {
    this.#tellLease(seconds, 0);
  }

  #tellLease(seconds: number, answer: 0 | 1): void {
    this.#resource.event('lease', Math.max(0, Math.ceil(seconds)), answer);
  }

  released(reason: ToldRelease): void {
    this.#resource.event('released', dmabroker_buffer_v1.enums.release_reason[reason]);
  }

  lost(generation: number): void {
    this.#resource.event('lost', generation);
  }

  reissued(generation: number): void {
    if (!this.#reissuing) this.#resource.event('reissued', generation);
  }

  committed(committed: Committed): void {
    this.#published.tell(committed);
  }

  get #published(): Revisions {
    this.#revisions ??= new Revisions(this, this.#resource);
    return this.#revisions;
  }

  /** Where it is to be noted that the first answer has been sent. */
  toldAt(): number {
    const { buffer } = this.awaited;
    return buffer === null ? 0 : this.broker.toldAt(buffer);
  }

  // ---- requests -----------------------------------------------------------------------------------

  destroy(): void {}

  release(): void {
    if (!this.awaited.settled) this.#giveUpWaiting?.(givenUp('released'));
    this.awaited.add(() => this.#behindCommits(() => this.#release()));
  }

  reissue(): void {
    this.awaited.add(() => this.#reissue());
  }

  renew(seconds: number): void {
    this.#lease((buffer) => {
      if (!this.#owner && !this.#mayRenew)
        throw noRight('the token gave no right to renew the lease');
      return this.broker.leases.renew(buffer, seconds, this.#self, this);
    });
  }

  park(seconds: number): void {
    this.#lease((buffer) => {
      if (!this.#owner) throw noRight('only its owner may park a buffer');
      return this.broker.leases.park(buffer, seconds, this.#self, this);
    });
  }

  share(id: number, uses: number, uid: number, seconds: number, rights: number): void {
    new ShareObject(this, id).begin({ uses, uid, seconds, rights });
  }

  set_metadata(fd: number, size: number): void {
    this.#published.setMetadata(fd, size);
  }

  commit(high: number, low: number): void {
    this.#published.commit(high * 2 ** 32 + low);
  }

  /** What was asked behind commits has its turn behind them. */
  #behindCommits(run: () => void): void {
    const { buffer } = this.awaited;
    if (buffer === null) run();
    else this.broker.commits.inTurn(buffer, run, this.connection.waits.answer);
  }

  #release(): void {
    const { buffer } = this.awaited;
    if (buffer === null || this.#released) return;
    this.#released = true;
    this.broker.left(buffer, this, false);
    if (this.#owner) this.broker.release(buffer, 'owner');
  }

  #reissue(): void {
    if (this.#reissuing) return;
    const { buffer } = this.awaited;
    if (buffer === null || this.hasGone) return; // `failed` has been sent
    if (buffer.state === 'lost' && buffer.owner.client !== this.connection.client) {
      const message = 'only its owner may have a lost buffer re-issued';
      this.failed(new BrokerError('permission_denied', message));
      return;
    }
    this.#reissuing = true;
    this.broker.reissue(buffer, (result) => {
      this.#reissuing = false;
      if (this.hasGone) return;
      if ('error' in result) this.failed(result.error);
      else this.show(result);
    });
  }

  /**
   * Releases what nobody else keeps, when what was asked before is done. The client cannot have read what was
   * not sent: a buffer of whatever lifetime would stay without anybody who knows its id, but for an adopted one.
   */
  gone(): void {
    this.hasGone = true;
    this.#withdraw?.();
    if (this.#withdraw !== null) this.awaited.answer(connectionEnded());
    this.#withdraw = null;
    this.#revisions?.end();
    if (!this.awaited.settled) this.#giveUpWaiting?.(givenUp('destroyed'));
    this.awaited.buffer?.watchers.delete(this);
    const unread = !this.#known && (this.#done === null || this.connection.isUnsent(this.#done));
    const letGo = () => {
      const { buffer } = this.awaited;
      if (buffer === null || (this.#released && !this.isWriter)) return;
      // At the end of a connection its writer stays who it was, for whoever comes back for it (adoption.ts).
      this.broker.left(buffer, this, this.isWriter && !this.connection.closing);
      // To a writer that is not its owner `release` has done nothing.
      if (this.#released || !this.#owner) return;
      this.#released = true;
      if (buffer.lifetime === 'connection' || unread) this.broker.release(buffer, 'owner');
    };
    if (this.connection.closing) letGo();
    else this.awaited.add(() => this.#behindCommits(letGo));
  }
}
