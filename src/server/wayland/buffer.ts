/**
 * dmabroker_buffer_v1 and dmabroker_share_v1: a client's object for a buffer that it allocated or
 * redeemed. The object is not the buffer: destroying one client's object leaves others' alone.
 */
import type { AdoptionRequest } from '../../broker/adoption.js';
import type { Broker, ImportRequest } from '../../broker/broker.js';
import type { BrokerBuffer, Owner, Watcher } from '../../broker/buffer.js';
import type { ClaimTerms } from '../../broker/claims.js';
import type { Document } from '../../broker/document.js';
import type { Committed } from '../../broker/lasting.js';
import type { Lease } from '../../broker/leases.js';
import type { RecallNotice, ToldRelease } from '../../broker/lifetime.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { Redemption } from '../../broker/sharing.js';
import type { Worked } from '../../broker/works.js';
import { BrokerError } from '../../memory/errors.js';
import { fdsOf } from '../../memory/faces.js';
import { asRefusal, type Done, type Result } from '../../memory/result.js';
import type { HandleType } from '../../memory/source.js';
import { dmabroker_buffer_v1, dmabroker_share_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type { Connection } from './connection.js';
import { describe } from './description.js';
import { type RefusalEvent, type Refusing, refuse } from './failure.js';
import { Order } from './order.js';
import type { Packet } from './output.js';
import type { Requests, Resource } from './resource.js';
import { noWriter, Revisions } from './revisions.js';
import { WorkObject } from './work.js';

const ANY_UID = 0xffffffff;

const connectionEnded = () => new BrokerError('not_found', 'the connection has ended');

const givenUp = (how: string) =>
  new BrokerError('not_found', `the buffer's object was ${how} while it waited for memory`);

export class BufferObject implements Requests<typeof dmabroker_buffer_v1>, Watcher {
  readonly #resource: Resource<typeof dmabroker_buffer_v1>;
  #buffer: BrokerBuffer | null = null;
  /** Why there is none. */
  #failure: BrokerError | null = null;
  readonly #order: Order;
  /** The message with the first `done`: what was sent with it, the client may know. */
  #done: Packet | null = null;
  /** The object has gone. */
  #abandoned = false;
  /** Ends its waiting for memory; null where it was not asked for by this object. */
  #giveUpWaiting: ((why: BrokerError) => void) | null = null;
  #released = false;
  /** It speaks for the buffer's owner, as long as its connection is that (`#owner`). */
  #forOwner = false;
  /** The client knew the buffer before it asked: it would find it again, whatever it has read. */
  #known = false;
  /** The token that was redeemed for it has the right. */
  #mayRenew = false;
  /** It has no others of the buffer's; null: it has all. */
  #types: readonly HandleType[] | null = null;
  /** `reissue` was sent and is not answered. */
  #reissuing = false;
  /** It may commit: its connection is the buffer's writer by this object. */
  #writer = false;
  /** Withdraws a claim that waits. */
  #withdraw: (() => void) | null = null;
  /** What is told and asked of revisions; none for most. */
  #revisions: Revisions | null = null;

  constructor(
    private readonly broker: Broker,
    private readonly connection: Connection,
    id: number,
    private readonly version: number,
  ) {
    this.#order = new Order(connection.waits);
    this.#resource = connection.create(id, dmabroker_buffer_v1, version, this);
  }

  /** The one that a request names; another id ends the connection. */
  static named(connection: Connection, id: number): BufferObject {
    const { requests } = connection.find(id, dmabroker_buffer_v1);
    if (!(requests instanceof BufferObject)) throw new Error(`object ${id} has no buffer object`);
    return requests;
  }

  /** Asks the broker for memory; the answer comes later as events. */
  allocate(request: AllocationRequest): void {
    this.#forOwner = true;
    this.#giveUpWaiting = this.broker.allocate(
      this.#self,
      request,
      (result) => this.#answered(result),
      (place) => this.#waits(place),
    );
  }

  /** It is to be asked for with others, when the client says so. */
  added(): void {
    this.#order.unasked();
  }

  /** Asks for as many equal buffers as there are objects: each is answered as by `allocate`. */
  static allocateAll(objects: readonly BufferObject[], request: AllocationRequest): void {
    const [first] = objects;
    if (first === undefined) return;
    for (const each of objects) {
      each.#forOwner = true;
      each.#order.asked();
    }
    const giveUp = first.broker.allocateMany(
      first.#self,
      request,
      (result) => {
        if ('error' in result) BufferObject.refuseAll(objects, result.error);
        else for (const [i, each] of objects.entries()) each.#answered(result[i] as BrokerBuffer);
      },
      (place) => {
        for (const each of objects) each.#waits(place);
      },
    );
    const left = new Set(objects);
    for (const each of objects)
      each.#giveUpWaiting = (why) => {
        left.delete(each);
        if (left.size === 0) giveUp(why);
      };
  }

  /** It waits for memory, at this place. */
  #waits(place: number): void {
    if (!this.#abandoned) this.#resource.event('waiting', place);
  }

  /** All have the same answer. It is one refusal, and noted as such. */
  static refuseAll(objects: readonly BufferObject[], error: BrokerError): void {
    const [first] = objects;
    if (first === undefined) return;
    const { broker } = first;
    const owner = first.#self;
    broker.refused(owner, error, null);
    for (const each of objects) {
      refuse(broker, { owner, resource: each.#resource }, error);
      each.#settle(error);
    }
  }

  /** They were added and the connection has ended: other objects' requests may wait for these. */
  static endAll(objects: readonly BufferObject[]): void {
    for (const each of objects) each.#settle(connectionEnded());
  }

  /** Registers memory that the client brings; the fds are the broker's from here on. */
  import(request: ImportRequest): void {
    this.#forOwner = true;
    this.broker.import(this.#self, request, (result) => this.#answered(result));
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
      this.#writer = adopted.isWriter;
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
    this.#order.unasked();
    const withdraw = this.broker.claim(this.connection.client, this, terms, (result) => {
      this.#withdraw = null;
      if ('error' in result) {
        this.failed(result.error);
        return;
      }
      this.#forOwner = result.isOwner;
      this.#writer = result.isWriter;
      this.#mayRenew = result.mayRenew;
      this.#known = true;
      this.show(result.buffer);
      this.#recalled(result.buffer);
    });
    if (!this.#order.settled) this.#withdraw = withdraw;
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
    return this.#forOwner && this.#buffer?.owner.client === this.connection.client;
  }

  #answered(result: Result<BrokerBuffer>): void {
    if ('error' in result) this.failed(result.error);
    else if (this.#abandoned) this.#giveUp(result);
    else {
      this.#writer = result.lasting?.writer === this.connection.client;
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
      this.#settle(connectionEnded());
      return;
    }
    this.#buffer = buffer;
    this.#settle(null);
  }

  /** The first answer is given: what was asked meanwhile is done, or fails with it. */
  #settle(failure: BrokerError | null): void {
    if (this.#order.settled) return;
    this.#failure = failure;
    this.#order.settle();
  }

  /** Sends the buffer: info, its memories, planes and done in one message, with all fds. */
  show(buffer: BrokerBuffer): void {
    const resource = this.#resource;
    this.#buffer = buffer;
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
    this.#settle(null);
  }

  /** Shows what a token stood for, as some of its handle types. */
  redeemed({ buffer, mayRenew }: Redemption, types: readonly HandleType[] | null = null): void {
    this.#mayRenew = mayRenew;
    this.#types = types;
    this.show(buffer);
  }

  #renew(seconds: number): Lease {
    if (!this.#owner && !this.#mayRenew) {
      throw new BrokerError('permission_denied', 'the token gave no right to renew the lease', {
        constraint: 'rights',
      });
    }
    return this.broker.renew(this.#had(), seconds, this.#self, this);
  }

  #park(seconds: number): Lease {
    if (!this.#owner) {
      throw new BrokerError('permission_denied', 'only its owner may park a buffer', {
        constraint: 'rights',
      });
    }
    return this.broker.park(this.#had(), seconds, this.#self, this);
  }

  /** `change` is answered with the lease that there is then. */
  #lease(change: () => Lease): void {
    try {
      this.#had();
      this.#tellLease(change().endsIn, 1);
    } catch (error) {
      this.#refused(asRefusal(error), this.#resource, 'lease_refused');
    }
  }

  /** Notes a refusal, and tells the object that it is about. */
  #refused<I extends Refusing>(
    error: BrokerError,
    resource: Resource<I>,
    event: RefusalEvent = 'failed',
  ): void {
    this.broker.refused(this.#self, error, this.#buffer);
    refuse(this.broker, { owner: this.#self, resource, event }, error);
  }

  failed(error: BrokerError): void {
    this.#refused(error, this.#resource);
    this.#settle(error);
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
    this.#revisions ??= new Revisions(this.connection, this.#resource, {
      newest: () => this.#buffer?.lasting?.committed ?? null,
      send: (document, anyway) => this.#sent(document, anyway),
    });
    return this.#revisions;
  }

  #sent(document: Document, anyway: boolean): (() => void) | null {
    const by = { client: this.connection.client, watcher: this };
    return this.#buffer && this.broker.commits.send(by, this.#buffer, document, anyway);
  }

  /** Where it is to be noted that the first answer has been sent. */
  toldAt(): number {
    return this.#buffer === null ? 0 : this.broker.toldAt(this.#buffer);
  }

  // ---- requests -----------------------------------------------------------------------------------

  destroy(): void {}

  release(): void {
    if (!this.#order.settled) this.#giveUpWaiting?.(givenUp('released'));
    this.#order.add(() => this.#behindCommits(() => this.#release()));
  }

  reissue(): void {
    this.#order.add(() => this.#reissue());
  }

  renew(seconds: number): void {
    this.#order.add(() => this.#lease(() => this.#renew(seconds)));
  }

  park(seconds: number): void {
    this.#order.add(() => this.#lease(() => this.#park(seconds)));
  }

  set_metadata(fd: number, size: number): void {
    this.#published.setMetadata(fd, size);
  }

  commit(high: number, low: number): void {
    const published = this.#published;
    const document = published.takeMetadata();
    this.#order.add(() => {
      const refused = (error: BrokerError) =>
        this.#refused(error, this.#resource, 'commit_refused');
      try {
        const metadata = document && (() => document.read());
        const request = { revision: high * 2 ** 32 + low, metadata };
        const waiting = this.connection.waits.answer;
        const by = { client: this.connection.client, watcher: this, waiting };
        const buffer = this.#had();
        if (buffer.lasting !== null && !this.#writer) throw noWriter();
        this.broker.commits.commit(by, buffer, request, (result) => {
          document?.close();
          if ('error' in result) refused(result.error);
          else published.answer(result);
        });
      } catch (error) {
        document?.close();
        refused(asRefusal(error));
      }
    });
  }

  /** What was asked behind commits has its turn behind them. */
  #behindCommits(run: () => void): void {
    if (this.#buffer === null) run();
    else this.broker.commits.inTurn(this.#buffer, run, this.connection.waits.answer);
  }

  /** The buffer, when it is the request's turn. Throws what it failed with. */
  #had(): BrokerBuffer {
    if (this.#buffer !== null) return this.#buffer;
    throw this.#failure ?? new Error('it is not settled');
  }

  #release(): void {
    const buffer = this.#buffer;
    if (buffer === null || this.#released) return;
    this.#released = true;
    this.broker.left(buffer, this, false);
    if (this.#owner) this.broker.release(buffer, 'owner');
  }

  #reissue(): void {
    if (this.#reissuing) return;
    const buffer = this.#buffer;
    if (buffer === null || this.#abandoned) return; // `failed` has been sent
    if (buffer.state === 'lost' && buffer.owner.client !== this.connection.client) {
      const message = 'only its owner may have a lost buffer re-issued';
      this.failed(new BrokerError('permission_denied', message));
      return;
    }
    this.#reissuing = true;
    this.broker.reissue(buffer, (result) => {
      this.#reissuing = false;
      if (this.#abandoned) return;
      if ('error' in result) this.failed(result.error);
      else this.show(result);
    });
  }

  /** Makes a work object, whose requests are about this buffer. */
  createWork(id: number): void {
    const { works } = this.broker;
    new WorkObject(this.connection, id, this.version, {
      refused: (error, resource) => this.#refused(error, resource),
      copy: (sourceId, range, sourceOffset, answered) => {
        const source = BufferObject.named(this.connection, sourceId);
        const copy = (destination: BrokerBuffer) => {
          const ends = { source: source.#had(), destination };
          works.copy(this.#self, ends, { ...range, sourceOffset }, answered);
        };
        this.#work(answered, copy, source);
      },
      fill: (value, range, answered) =>
        this.#work(answered, (buffer) =>
          works.fill(this.#self, buffer, { ...range, value }, answered),
        ),
      read: (range, answered) =>
        this.#work(answered, (buffer) => works.read(this.#self, buffer, range, answered)),
    });
  }

  /** Work on this buffer, and on others that it names; `run` throws BrokerError where it is refused. */
  #work(
    answered: Done<Worked>,
    run: (buffer: BrokerBuffer) => void,
    ...others: BufferObject[]
  ): void {
    if (this.#abandoned) {
      answered({ error: new BrokerError('not_found', "the buffer's object was destroyed") });
      return;
    }
    const turn = () => {
      try {
        run(this.#had());
      } catch (error) {
        answered({ error: asRefusal(error) });
      }
    };
    this.#order.add(turn, ...others.map((other) => other.#order));
  }

  /**
   * Releases what nobody else keeps, when what was asked before is done. The client cannot have read what was
   * not sent: a buffer of whatever lifetime would stay without anybody who knows its id, but for an adopted one.
   */
  gone(): void {
    this.#abandoned = true;
    this.#withdraw?.();
    if (this.#withdraw !== null) this.#settle(connectionEnded());
    this.#withdraw = null;
    this.#revisions?.end();
    if (!this.#order.settled) this.#giveUpWaiting?.(givenUp('destroyed'));
    this.#buffer?.watchers.delete(this);
    const unread = !this.#known && (this.#done === null || this.connection.isUnsent(this.#done));
    const letGo = () => {
      const buffer = this.#buffer;
      if (buffer === null || (this.#released && !this.#writer)) return;
      // At the end of a connection its writer stays who it was, for whoever comes back for it (adoption.ts).
      this.broker.left(buffer, this, this.#writer && !this.connection.closing);
      // To a writer that is not its owner `release` has done nothing.
      if (this.#released || !this.#owner) return;
      this.#released = true;
      if (buffer.lifetime === 'connection' || unread) this.broker.release(buffer, 'owner');
    };
    if (this.connection.closing) letGo();
    else this.#order.add(() => this.#behindCommits(letGo));
  }

  share(id: number, uses: number, uid: number, seconds: number, rights: number): void {
    const { right } = dmabroker_share_v1.enums;
    let revoke: (() => void) | null = null;
    const share = this.connection.create(id, dmabroker_share_v1, this.version, {
      destroy: () => {},
      revoke: () => this.#order.add(() => revoke?.()),
    });
    if ((rights & ~right.renew) !== 0) share.error('invalid_rights', `rights ${rights}`);
    const terms = {
      uses,
      uid: uid === ANY_UID ? null : uid,
      seconds: seconds === 0 ? null : seconds,
      mayRenew: (rights & right.renew) !== 0,
    };
    this.#order.add(() => {
      try {
        const buffer = this.#had();
        const { info, token } = this.broker.sharing.share(buffer, terms, this.#self);
        revoke = () => this.broker.sharing.revoke(buffer, info.id, this.#self);
        share.event('token_id', info.id);
        share.event('token', token);
      } catch (error) {
        this.#refused(asRefusal(error), share);
      }
    });
  }
}
