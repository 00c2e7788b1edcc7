/**
 * How memory comes to be a buffer: allocated by a source, or brought by a client. Each is checked,
 * charged before it is made, and registered when it is there.
 */

import type { BrokerError } from '../memory/errors.js';
import type { BroughtPlane } from '../memory/plane.js';
import { attempt, type Done } from '../memory/result.js';
import type { Scanout } from '../memory/scanout.js';
import type { LostAllocation, MemorySpec, Plan } from '../memory/source.js';
import { Arrivals, type ArrivalsParts, isLate } from './arrivals.js';
import { type Making, makeAll } from './batch.js';
import type { BrokerBuffer, Owner } from './buffer.js';
import { type Fallback, neither, saying, unmetOf } from './falling-back.js';
import type { Lifetime } from './lifetime.js';
import type { Entry, Lack, MemoryQueue } from './memory-queue.js';
import { mayPass, waited } from './passing.js';
import { Planner } from './planner.js';
import { discard } from './pool/spares.js';
import { estimateOf, importEstimate } from './quota/estimate.js';
import type { Estimate, Paced } from './quota/ledger.js';
import type { Quotas } from './quota/quotas.js';
import { type AllocationRequest, type Choice, checkRequest } from './request.js';
import type { RoomQueue } from './room-queue.js';
import { connectionGone, type Selection } from './selection.js';
import { NOT_SHOWN, Showing, type Shown } from './showing.js';
import { UnderWay } from './under-way.js';

/** Memory that a client brings. */
export interface ImportRequest {
  /** An image's one modifier is that of the memory. */
  readonly spec: MemorySpec;
  readonly planes: readonly BroughtPlane[];
  /** The deviceUUID of the device that is to import it; the main one, where it is absent. */
  readonly device?: string | undefined;
  readonly lifetime: Lifetime;
  readonly name: string | null;
  /** As in AllocationRequest. */
  readonly lastingName?: string | null | undefined;
}

/** Who asks wants it no more: if it waits for memory it is refused so. */
export type GiveUp = (why: BrokerError) => void;

const NOTHING_WAITS: GiveUp = () => {};

/** A request is refused; `lack`: what for. */
type Refused = (error: BrokerError, lack: Lack) => void;

/** How a request has come as far as it is. */
interface Way {
  readonly fell: Fallback | null;
  readonly shown: Shown;
  /** Its rates are used up once, however many sources are tried. */
  readonly paced: Paced;
  /** It is elsewhere only since a display has refused memory that was to be had: goes back to that. */
  readonly settle?: () => void;
}

/** What quotas are asked about so many equal allocations. */
type Asked = [owner: Owner, source: string, each: Estimate, count: number];

/** The parts of the broker that it works with. */
export interface IntakeParts extends ArrivalsParts {
  readonly quotas: Quotas;
  readonly selection: Selection;
  readonly room: RoomQueue;
  readonly queue: MemoryQueue;
  newId(): string;
}

export class Intake {
  readonly #planner = new Planner({
    choose: (owner, request) => this.#rehearse(owner, request).choice,
    check: (owner, { count = 1 }, { source, spec, also }, plan) =>
      this.parts.quotas.rehearse(owner, source, estimateOf(spec, also), count, plan),
    plan: (asker, choice, done) => this.parts.world.plan(asker, choice, done),
    permitted: ({ peer }, request) => this.parts.selection.permittedRequest(peer, request),
    asker: (owner) => this.parts.quotas.whoIs(owner),
  });

  readonly #arrivals: Arrivals;
  readonly #showing: Showing;
  readonly #underWay = new UnderWay();
  readonly #making: Making;

  constructor(private readonly parts: IntakeParts) {
    this.#arrivals = new Arrivals(parts);
    this.#showing = new Showing(parts.world, parts.selection, this.#underWay);
    this.#making = { world: parts.world, pool: parts.pool, underWay: this.#underWay };
  }

  /**
   * Allocates for an owner. `done` is called once; with a refusal when the planner has looked for the
   * nearest request. A buffer bound to a connection that has gone in the meantime is released before
   * `done` is called with `not_found`. `told` is told the place in the queue of a request that waits for
   * memory.
   */
  allocate(
    owner: Owner,
    request: AllocationRequest,
    done: Done<BrokerBuffer>,
    told: (place: number) => void,
  ): GiveUp {
    const one: Done<readonly BrokerBuffer[]> = (result) =>
      done('error' in result ? result : (result[0] as BrokerBuffer));
    return this.allocateMany(owner, request, one, told);
  }

  /** As `allocate`, of as many equal buffers as the request says: all of them, or none. */
  allocateMany(
    owner: Owner,
    request: AllocationRequest,
    answer: Done<readonly BrokerBuffer[]>,
    told: (place: number) => void,
  ): GiveUp {
    const answered: Done<readonly BrokerBuffer[]> = (result) => {
      request.memory?.over();
      answer(result);
    };
    const reserved = attempt(() => this.parts.names.reserve(owner, request, answered));
    if ('error' in reserved) {
      answered(reserved);
      return NOTHING_WAITS;
    }
    const done = reserved;
    const refuse = (error: BrokerError) => this.#planner.explain(owner, request, error, done);
    const check = () => this.parts.selection.checkVulkan(owner);
    const { waitMs = 0 } = request;
    if (waitMs > 0) {
      const waits = this.#waits(owner, request, done, told);
      this.parts.selection.onDevice(owner, request.device, { check, refuse, go: waits.begin });
      return waits.giveUp;
    }
    const go = () => this.#enter(owner, request, done, refuse);
    this.parts.selection.onDevice(owner, request.device, { check, refuse, go });
    return NOTHING_WAITS;
  }

  /** Waits for room where that may come, or allocates. */
  #enter(
    owner: Owner,
    request: AllocationRequest,
    done: Done<readonly BrokerBuffer[]>,
    refused: Refused,
  ): void {
    const who = this.parts.quotas.whoIs(owner);
    const fits = () => this.#fits(owner, request);
    const go = () => {
      if (isLate(owner, request)) done({ error: connectionGone() });
      else this.#allocate(owner, request, done, refused);
    };
    const { room } = this.parts;
    const wait = () => room.isExpected(who.uid) && room.add(who, fits, go);
    if (!room.isExpected(who.uid)) this.#allocate(owner, request, done, refused, wait);
    else if (fits() || !wait()) this.#allocate(owner, request, done, refused);
  }

  /**
   * A request that may wait for memory: what can pass puts it in the queue, where none of its user's is before it;
   * what cannot, or can never be had, is refused at once.
   */
  #waits(
    owner: Owner,
    request: AllocationRequest,
    done: Done<readonly BrokerBuffer[]>,
    told: (place: number) => void,
  ): { readonly begin: () => void; readonly giveUp: GiveUp } {
    const { queue, quotas, selection } = this.parts;
    let entry: Entry | null = null;
    let givenUp: BrokerError | null = null;
    const explain = (error: BrokerError) => this.#planner.explain(owner, request, error, done);
    const answered: Done<readonly BrokerBuffer[]> = (result) => {
      if ('error' in result) {
        refused(result.error, 'memory');
        return;
      }
      if (entry !== null) queue.admitted(entry);
      done(result);
    };
    const refused: Refused = (error, lack) => {
      if (entry === null) wait(error, lack);
      else queue.refused(entry, error, lack);
    };
    const ask = () => this.#allocate(owner, request, answered, refused);
    const wait = (error: BrokerError | null, lack: Lack) => {
      if (givenUp !== null) {
        done({ error: givenUp });
        return;
      }
      const added = attempt(() => {
        const { source, spec, also } = selection.choose(owner, checkRequest(request));
        const { name, waitMs: milliseconds = 0, count = 1 } = request;
        const estimate = estimateOf(spec, also);
        const isPossible = quotas.couldEver(owner, source, estimate, count);
        if (error !== null && !(isPossible && mayPass(error))) throw error;
        return queue.add({
          ...{ owner, name, milliseconds, count, told, ask },
          asker: quotas.whoIs(owner),
          bytes: estimate.bytes * count,
          judge: () => this.#judge(owner, request),
          end: (why, ms) => explain(mayPass(why) ? waited(why, ms) : why),
        });
      });
      if ('error' in added) {
        explain(added.error);
        return;
      }
      entry = added;
      if (error !== null) queue.refused(entry, error, lack);
    };
    const begin = () => {
      if (!queue.has(quotas.whoIs(owner).uid)) {
        this.#enter(owner, request, answered, refused);
        return;
      }
      const { count = 1 } = request;
      const error = this.#judge(owner, request);
      const choice = attempt(() => selection.choose(owner, checkRequest(request)));
      const isHopeless =
        'error' in choice ||
        !quotas.couldEver(owner, choice.source, estimateOf(choice.spec, choice.also), count);
      if (error !== null && (isHopeless || !mayPass(error))) explain(error);
      else wait(null, 'room');
    };
    const giveUp = (why: BrokerError) => {
      givenUp = why;
      if (entry !== null) queue.giveUp(entry, why);
    };
    return { begin, giveUp };
  }

  /** What a request would be refused with now, as far as that is known without its source; null: nothing. */
  #judge(owner: Owner, request: AllocationRequest): BrokerError | null {
    const admitted = attempt(() => this.#rehearse(owner, request));
    return 'error' in admitted ? admitted.error : null;
  }

  /** What would be admitted now, and charges nothing. */
  #rehearse(owner: Owner, request: AllocationRequest): { readonly choice: Choice } {
    const admit = (anyway: boolean) => {
      const rehearse = (...asked: Asked) => this.parts.quotas.rehearse(...asked, null);
      return this.#admit(owner, request, rehearse, anyway);
    };
    if (this.parts.selection.displays.refused(request).size === 0) return admit(false);
    const admitted = attempt(() => admit(false));
    return 'error' in admitted ? admit(true) : admitted;
  }

  /** Whether it need not wait for room; what is refused for another reason is refused at once. */
  #fits(owner: Owner, request: AllocationRequest): boolean {
    return this.#judge(owner, request)?.code !== 'limit_exceeded';
  }

  /** `wait`: where there is no room, it may be that some is expected only now, since what lingers was looked at. */
  #allocate(
    owner: Owner,
    request: AllocationRequest,
    done: Done<readonly BrokerBuffer[]>,
    told: Refused,
    wait = () => false,
    way: Way = { fell: null, shown: NOT_SHOWN, paced: new Set() },
  ): void {
    const { fell, shown, paced } = way;
    const { displays } = this.parts.selection;
    const reserve = (...asked: Asked) =>
      this.parts.quotas.reserveMany(...asked, this.parts.registry.buffers, paced);
    const goOn = (next: Shown) =>
      this.#allocate(owner, request, done, told, wait, { ...way, shown: next });
    const settle = () => goOn({ tried: shown.tried, isSettled: true });
    // What was there before a display refused it, now or for somebody else, is there without it.
    const areRefused = shown.tried.size > 0 || displays.refused(request).size > 0;
    const refused: Refused = areRefused && !shown.isSettled ? settle : told;
    const admitted = attempt(() => this.#admit(owner, request, reserve, shown.isSettled));
    if ('error' in admitted) {
      if (admitted.error.code === 'limit_exceeded' && refused === told && wait()) return;
      refused(admitted.error, 'room');
      return;
    }
    const { choice, charged: charges } = admitted;
    const who = this.parts.quotas.whoIs(owner);
    makeAll(this.#making, { who, choice, count: charges.length }, (made) => {
      if ('error' in made) {
        for (const charge of charges) charge.release();
        const before = refused === told ? way : { ...way, settle };
        this.#fallBack(owner, before, request, choice, { error: made.error, done, refused });
        return;
      }
      const { lifetime, name, lastingName = null } = request;
      // The client's own memory is not made anew.
      const again = request.memory === undefined ? choice : null;
      const wanted = { owner, spec: choice.spec, lifetime, name, choice: again, lastingName };
      const letGo = () => {
        for (const { allocation } of made) discard(this.parts.world, allocation);
        for (const charge of charges) charge.release();
      };
      const answered = (scanout: Scanout | null, next: Shown | null) => {
        // What fell back only since a display had refused what was there is refused, too.
        const settled = scanout?.state === 'refused' ? way.settle : undefined;
        if (next === null && settled === undefined) {
          const why = fell?.why ?? this.#showing.why(owner, request, choice) ?? unmetOf(choice);
          this.#arrivals.register(wanted, saying(made, why, scanout), charges, done);
          return;
        }
        letGo();
        if (next === null) settled?.();
        else goOn(next);
      };
      const lost = (error: BrokerError) => {
        letGo();
        refused(error, 'memory');
      };
      this.#showing.show({ owner, request, who }, choice, made, shown, answered, lost);
    });
  }

  /** The source that was chosen has refused: another is asked in its place, or the refusal told. */
  #fallBack(
    owner: Owner,
    way: Way,
    request: AllocationRequest,
    choice: Choice,
    {
      error,
      done,
      refused,
    }: {
      readonly error: BrokerError;
      readonly done: Done<readonly BrokerBuffer[]>;
      readonly refused: Refused;
    },
  ): void {
    const { fell: before } = way;
    const checked = checkRequest(before?.asked ?? request);
    const instead = this.parts.selection.fallback(owner, checked, choice.source, error);
    if (instead === null) {
      refused(error, 'memory');
      return;
    }
    // What it was first refused with is what may pass, and what a nearer request is looked for by.
    const both: Refused = (other) => refused(neither(instead, other), 'memory');
    // It fell back from what was wanted first, however many there were between.
    const why = before?.why ?? this.#showing.why(owner, request, choice) ?? instead.why;
    const fell = { ...instead, why };
    const next = { ...way, fell, shown: NOT_SHOWN };
    this.#allocate(owner, instead.request, done, both, undefined, next);
  }

  /** Judges a request, and is the one to do so for an allocation and for a dry run: throws what either is told. */
  #admit<T>(
    owner: Owner,
    request: AllocationRequest,
    charge: (...asked: Asked) => T,
    anyway = false,
  ): { choice: Choice; charged: T } {
    const choice = this.parts.selection.choose(owner, checkRequest(request), anyway);
    const { count = 1 } = request;
    const estimate = estimateOf(choice.spec, choice.also);
    return { choice, charged: charge(owner, choice.source, estimate, count) };
  }

  /** The memory of these allocations went with its device, before it became buffers. */
  lost(allocations: readonly LostAllocation[]): void {
    this.#underWay.lost(allocations);
  }

  /** A dry run: answers what `allocate` would; nothing is kept or charged. */
  test(owner: Owner, request: AllocationRequest, done: Done<Plan>): void {
    const refuse = (error: BrokerError) => this.#planner.explain(owner, request, error, done);
    const named = attempt(() => ({ ok: this.parts.names.check(owner, request) }));
    if ('error' in named) {
      done(named);
      return;
    }
    const check = () => this.parts.selection.checkVulkan(owner);
    const { displays } = this.parts.selection;
    const go = () =>
      this.#planner.test(owner, request, (result) =>
        done('error' in result ? result : displays.planned(request, result)),
      );
    this.parts.selection.onDevice(owner, request.device, { check, refuse, go });
  }

  /**
   * Registers memory that the owner brings. The planes' fds are the broker's from here on, whatever
   * comes of it. `done` as in `allocate`.
   */
  import(owner: Owner, request: ImportRequest, answer: Done<BrokerBuffer>): void {
    let done = answer;
    const failed = (error: BrokerError) => {
      for (const fd of new Set(request.planes.map((plane) => plane.fd)))
        this.parts.world.closeFd(fd);
      done({ error });
    };
    const reserved = attempt(() => this.parts.names.reserve(owner, request, answer));
    if ('error' in reserved) {
      failed(reserved.error);
      return;
    }
    done = reserved;
    const check = () => this.parts.selection.policy.checkImport(owner.peer);
    const go = () => this.#import(owner, request, failed, done);
    this.parts.selection.onDevice(owner, request.device, { check, refuse: failed, go });
  }

  #import(
    owner: Owner,
    request: ImportRequest,
    failed: (error: BrokerError) => void,
    done: Done<BrokerBuffer>,
  ): void {
    const { planes, device = null, lifetime, name, lastingName = null } = request;
    const admitted = attempt(() => {
      this.parts.selection.policy.checkImport(owner.peer);
      const { spec } = checkRequest({ ...request, handleTypes: ['dma_buf'] });
      const estimate = importEstimate(spec, planes);
      return {
        spec,
        charge: this.parts.quotas.reserve(owner, 'import', estimate, this.parts.registry.buffers),
      };
    });
    if ('error' in admitted) {
      failed(admitted.error);
      return;
    }
    const { spec, charge } = admitted;
    this.parts.pool.fit();
    const id = this.parts.newId();
    this.parts.world.importMemory(charge.who, { spec, planes, device }, (result) => {
      if ('error' in result) {
        charge.release();
        failed(result.error);
        return;
      }
      // Planes that lie in one memory have one fd from here on.
      const kept = new Set(result.planes.map((plane) => plane.fd));
      for (const { fd } of planes) if (!kept.has(fd)) this.parts.world.closeFd(fd);
      const wanted = { owner, spec, lifetime, name, choice: null, lastingName };
      this.#arrivals.register(wanted, [{ id, allocation: result }], [charge], (registered) =>
        done('error' in registered ? registered : (registered[0] as BrokerBuffer)),
      );
    });
  }
}
