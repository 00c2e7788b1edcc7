/**
 * What happens in the registry, told to whoever watches it (`Surroundings.report`): the event stream
 * and the counters are made from these, never from the registry's state.
 */

import type { BrokerError } from '../memory/errors.js';
import type { Allocation, MemorySpec } from '../memory/source.js';
import type { RecallNotice, ReleaseReason } from './lifetime.js';
import type { RuleId } from './quota/rules.js';
import type { TokenInfo } from './tokens.js';
import type { Doer, Identity } from './who.js';

/** A buffer, as far as its events tell of it. */
export interface EventBuffer {
  readonly id: string;
  readonly name: string | null;
  readonly generation: number;
  readonly formerOf: string | null;
  readonly spec: MemorySpec;
  readonly allocation: Allocation;
  readonly owner: Doer;
}

/** What happens to a buffer. `by`: who did it (a client, or somebody over REST); null: the daemon by itself. */
export type BufferEvent =
  | {
      /** `gone`: nobody has its memory any more, or it is charged no longer; it is listed no more. */
      readonly type: 'buffer.created' | 'buffer.lost' | 'buffer.gone';
      readonly buffer: EventBuffer;
    }
  | {
      /** `previewed`: somebody was shown what is in it. */
      readonly type: 'buffer.renamed' | 'buffer.reissued' | 'buffer.previewed';
      readonly buffer: EventBuffer;
      readonly by: Doer | null;
    }
  | {
      readonly type: 'buffer.shared';
      readonly buffer: EventBuffer;
      readonly token: TokenInfo;
      readonly by: Doer | null;
    }
  /** A token was revoked. */
  | {
      readonly type: 'buffer.unshared';
      readonly buffer: EventBuffer;
      /** Its id. */
      readonly token: string;
      readonly by: Doer | null;
    }
  | {
      readonly type: 'buffer.redeemed';
      readonly buffer: EventBuffer;
      readonly client: Identity;
      /** Its id. */
      readonly token: string;
    }
  | {
      readonly type: 'buffer.renewed';
      readonly buffer: EventBuffer;
      readonly seconds: number;
      readonly by: Doer | null;
    }
  | {
      readonly type: 'buffer.released';
      readonly buffer: EventBuffer;
      readonly reason: ReleaseReason;
      readonly by: Doer | null;
    }
  | {
      readonly type: 'buffer.recalled';
      readonly buffer: EventBuffer;
      readonly reason: RecallNotice;
      readonly by: Doer | null;
    };

/** Buffers and clients are those of the registry: a watcher copies what it keeps. */
export type BrokerEvent =
  | BufferEvent
  /** Over REST. */
  | { readonly type: 'quota.changed'; readonly quota: RuleId; readonly by: Doer | null }
  /** Over REST. What was freed. */
  | {
      readonly type: 'pool.drained';
      readonly spares: number;
      readonly bytes: number;
      readonly by: Doer | null;
    }
  | { readonly type: 'client.connected'; readonly client: Identity }
  /** `by`: who has ended the connection over REST; null: one of its ends. */
  | { readonly type: 'client.disconnected'; readonly client: Identity; readonly by: Doer | null }
  /** Somebody was refused something; `buffer` where it was about one. */
  | {
      readonly type: 'refusal';
      readonly error: BrokerError;
      readonly owner: Doer;
      readonly buffer: EventBuffer | null;
    };
