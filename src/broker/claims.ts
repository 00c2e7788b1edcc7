/**
 * Claims: who knows a buffer's lasting name gets it, now or when there is such a buffer, it is free for a writer
 * or something was committed. What is waited for comes of what others do, so each of those has the claims that wait for
 * that name looked at again, in rounds (`look`).
 *
 * Owns: the claims that wait.
 */
import { after } from '../memory/clock.js';
import { BrokerError } from '../memory/errors.js';
import { MAX_CLAIM_WAIT_MS, MAX_CLAIMS_A_TURN } from '../memory/limits.js';
import { attempt, type Done } from '../memory/result.js';
import type { BrokerBuffer, Client, Watcher } from './buffer.js';
import { Deadlines } from './deadlines.js';
import { parseClaimed } from './lasting.js';
import type { Names } from './names.js';
import type { Policy } from './policy.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import { Rounds } from './rounds.js';
import { checkLive, type Sharing } from './sharing.js';
import { succeed } from './succession.js';
import type { Surroundings } from './surroundings.js';
import { Waiting } from './waiting.js';

export interface ClaimTerms {
  /** NAME or NAME@UID. */
  readonly name: string;
  /** For how long to wait; 0: not at all. */
  readonly milliseconds: number;
  readonly asWriter: boolean;
  /** Only when there is a revision of it. */
  readonly committed: boolean;
}

export interface Claimed {
  readonly buffer: BrokerBuffer;
  /** The client is its owner from now on. */
  readonly isOwner: boolean;
  readonly isWriter: boolean;
  readonly mayRenew: boolean;
}

interface Claim extends Pick<ClaimTerms, 'name' | 'asWriter' | 'committed'> {
  readonly uid: number;
  readonly client: Client;
  /** The object that is to have it. */
  readonly watcher: Watcher;
  readonly done: Done<Claimed>;
  /** It is counted no longer. */
  readonly ended: () => void;
  /** It has no time left, and is answered when those before it were looked at. */
  isLast: boolean;
}

interface Parts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  readonly names: Names;
  readonly sharing: Sharing;
  policy(): Policy;
  /** Somebody has come for a buffer of before the restart. */
  awaited(buffer: BrokerBuffer): void;
}

export class Claims {
  /** By the name that they wait for; each in the order in which they came. */
  readonly #waiting = new Map<string, Set<Claim>>();
  readonly #looks = new Rounds<string, Claim>({
    atMost: MAX_CLAIMS_A_TURN,
    members: (key) => this.#waiting.get(key) ?? [],
    visit: (claim) => this.#lookAt(claim, claim.isLast),
  });
  readonly #deadlines = new Deadlines<Claim>();
  readonly #counts = new Waiting();

  constructor(private readonly parts: Parts) {}

  /** Calls `done` once, now or later, unless what it returns is called before: it is wanted no longer. */
  claim(client: Client, watcher: Watcher, terms: ClaimTerms, done: Done<Claimed>): () => void {
    const nothing = () => {};
    const { milliseconds, asWriter, committed } = terms;
    const begun = attempt(() => {
      checkWait(milliseconds);
      const { name, uid } = parseClaimed(terms.name, client.peer.uid);
      const asked = { name, uid, client, watcher, asWriter, committed, done };
      const judged = this.#judge(asked);
      if ('wait' in judged) {
        if (milliseconds === 0) throw judged.wait();
      } else if (!this.#isBehind(asked)) return { granted: this.#grant(asked, judged) };
      const asker = { uid: this.parts.quotas.whoOf(client).uid, connection: client.id };
      const ended = this.#counts.begin(asker, 'claims');
      return { claim: { ...asked, ended, isLast: milliseconds === 0 } };
    });
    if ('error' in begun) done(begun);
    else if ('granted' in begun) done(begun.granted);
    else {
      const { claim } = begun;
      const key = keyOf(claim);
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting.add(claim));
      if (claim.isLast) this.#looks.begin(key, undefined);
      else this.#deadlines.set(claim, after(this.parts.world.clock.now(), milliseconds));
      return () => this.#end(claim);
    }
    return nothing;
  }

  /** What those wait for may be there, who wait for a buffer of this name; null: for any. `run` tells them. */
  look(of: { readonly uid: number; readonly name: string } | null): void {
    for (const key of of === null ? this.#waiting.keys() : [keyOf(of)]) {
      if (this.#waiting.has(key)) this.#looks.begin(key, undefined);
    }
  }

  /**
   * Whether a claim that could be granted has its turn behind others: there is one writer, and who has waited for that
   * comes before who has just come.
   */
  #isBehind({ asWriter, name, uid }: Pick<Claim, 'asWriter' | 'name' | 'uid'>): boolean {
    const key = keyOf({ uid, name });
    return asWriter && this.#looks.has(key) && this.#waiting.has(key);
  }

  #lookAt(claim: Claim, isLast: boolean): void {
    const judged = attempt(() => this.#judge(claim));
    if ('wait' in judged) {
      if (!isLast) return;
      this.#end(claim);
      claim.done({ error: judged.wait() });
    } else {
      this.#end(claim);
      claim.done('error' in judged ? judged : attempt(() => this.#grant(claim, judged)));
    }
  }

  /** Grants what can be, and refuses those whose time is over, with what they waited for last. */
  run(): void {
    this.#looks.run();
    const now = this.parts.world.clock.now();
    for (let claim = this.#deadlines.take(now); claim; claim = this.#deadlines.take(now)) {
      if (this.#isBehind(claim)) {
        claim.isLast = true;
        this.#looks.begin(keyOf(claim), undefined);
      } else this.#lookAt(claim, true);
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#looks.waiting) return 0;
    const { next } = this.#deadlines;
    return next === null ? -1 : Math.max(0, Math.ceil(next - this.parts.world.clock.now()));
  }

  #end(claim: Claim): void {
    const key = keyOf(claim);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || !waiting.delete(claim)) return;
    if (waiting.size === 0) this.#waiting.delete(key);
    this.#deadlines.delete(claim);
    claim.ended();
  }

  /**
   * The buffer, or what there is to wait for, as what is said where that does not come: most of those who wait go on
   * waiting, and an Error costs more than all the rest. Throws what waiting does not help with.
   */
  #judge(claim: Pick<Claim, 'name' | 'uid' | 'client' | 'asWriter' | 'committed'>) {
    const { name, uid, client, asWriter, committed } = claim;
    const buffer = this.parts.names.find(uid, name);
    if (buffer?.lasting == null) return { wait: () => nothingCalled(claim) };
    const { lasting, owner } = buffer;
    const policy = this.parts.policy();
    if (!policy.mayClaim(owner.peer, client.peer, false)) {
      if (client.peer.uid === uid) throw notYours(name, owner.peer.cgroup);
      return { wait: () => nothingCalled(claim) };
    }
    if (asWriter && !policy.mayClaim(owner.peer, client.peer, true)) {
      const message = `the policy of this daemon lets you read ${name}, and not be its writer`;
      throw new BrokerError('permission_denied', message, { constraint: 'writer' });
    }
    if (buffer.state === 'away') {
      const message = `the memory of ${name} is with its clients alone since the daemon was restarted`;
      const away = () =>
        new BrokerError('busy', message, { constraint: 'state', requested: 'live' });
      return { wait: away };
    }
    checkLive(buffer);
    if (asWriter && lasting.writer?.connected === true) {
      const { id, peer } = lasting.writer;
      const who = () => `${peer.executable ?? 'a process'} (pid ${peer.pid}, connection ${id})`;
      const busy = () =>
        new BrokerError('busy', `${name} has a writer: ${who()}`, { constraint: 'writer' });
      return { wait: busy };
    }
    if (committed && lasting.committed === null) {
      const message = `nothing was committed of ${name} yet`;
      return { wait: () => new BrokerError('busy', message, { constraint: 'committed' }) };
    }
    return { buffer, lasting };
  }

  #grant(
    { client, watcher, asWriter, uid }: Omit<Claim, 'done' | 'ended' | 'isLast'>,
    { buffer, lasting }: { buffer: BrokerBuffer; lasting: BrokerBuffer['lasting'] & {} },
  ): Claimed {
    const { world, quotas, registry, sharing } = this.parts;
    sharing.checkRecipient(buffer, client);
    quotas.redeem(buffer, client);
    const { owner } = buffer;
    const isHeir =
      asWriter &&
      (owner.client?.connected !== true || lasting.isLeft) &&
      client.peer.uid === uid &&
      client.peer.cgroup === owner.peer.cgroup;
    if (isHeir) {
      succeed(this.parts, buffer, client, 'admitted');
      lasting.isLeft = false;
    }
    if (asWriter) this.parts.names.writes(buffer, client);
    lasting.claimers.set(watcher, client);
    this.parts.awaited(buffer);
    const as = asWriter ? 'writer' : 'reader';
    registry.happened({ type: 'buffer.claimed', buffer, client, as });
    world.changed(buffer);
    const isOwner = isHeir || buffer.owner.client === client;
    return { buffer, isOwner, isWriter: asWriter, mayRenew: client.peer.uid === uid };
  }
}

const keyOf = ({ uid, name }: { readonly uid: number; readonly name: string }) => `${uid} ${name}`;

function checkWait(milliseconds: number): void {
  if (milliseconds <= MAX_CLAIM_WAIT_MS) return;
  throw new BrokerError('invalid_argument', `a claim waits ${MAX_CLAIM_WAIT_MS} ms at most`, {
    constraint: 'milliseconds',
    requested: milliseconds,
    possible: { min: 0, max: MAX_CLAIM_WAIT_MS },
  });
}

/** Of another user's names nobody is told more than that. */
function nothingCalled({ name, uid, client }: Pick<Claim, 'name' | 'uid' | 'client'>): BrokerError {
  const message =
    client.peer.uid === uid
      ? `no buffer of yours has the lasting name ${name}`
      : `user ${uid} has no buffer with the lasting name ${name}, or none that you may claim`;
  return new BrokerError('not_found', message, { constraint: 'lasting_name', requested: name });
}

function notYours(name: string, cgroup: string | null): BrokerError {
  const message = `${name} is of the control group ${cgroup ?? 'that is not known'}, and the policy of this daemon lets no other claim it`;
  return new BrokerError('permission_denied', message, {
    constraint: 'lasting_name',
    requested: name,
  });
}
