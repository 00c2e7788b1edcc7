/**
 * What happens in the registry, told to whoever watches it (`Surroundings.report`): the event stream
 * and the counters are made from these, never from the registry's state.
 */

import type { BrokerError } from '../memory/errors.js';
import type { BrokerBuffer, Client, Owner, RecallNotice, ReleaseReason } from './buffer.js';
import type { RuleId } from './quota/rules.js';
import type { TokenInfo } from './tokens.js';

/** What happens to a buffer. `by`: who did it (a client, or somebody over REST); null: the daemon by itself. */
export type BufferEvent =
  | {
      /** `gone`: nobody has its memory any more, or it is charged no longer; it is listed no more. */
      readonly type: 'buffer.created' | 'buffer.lost' | 'buffer.gone';
      readonly buffer: BrokerBuffer;
    }
  | {
      /** `previewed`: somebody was shown what is in it. */
      readonly type: 'buffer.renamed' | 'buffer.reissued' | 'buffer.previewed';
      readonly buffer: BrokerBuffer;
      readonly by: Owner | null;
    }
  | {
      readonly type: 'buffer.shared';
      readonly buffer: BrokerBuffer;
      readonly token: TokenInfo;
      readonly by: Owner | null;
    }
  /** A token was revoked. */
  | {
      readonly type: 'buffer.unshared';
      readonly buffer: BrokerBuffer;
      /** Its id. */
      readonly token: string;
      readonly by: Owner | null;
    }
  | {
      readonly type: 'buffer.redeemed';
      readonly buffer: BrokerBuffer;
      readonly client: Client;
      /** Its id. */
      readonly token: string;
    }
  | {
      readonly type: 'buffer.renewed';
      readonly buffer: BrokerBuffer;
      readonly seconds: number;
      readonly by: Owner | null;
    }
  | {
      readonly type: 'buffer.released';
      readonly buffer: BrokerBuffer;
      readonly reason: ReleaseReason;
      readonly by: Owner | null;
    }
  | {
      readonly type: 'buffer.recalled';
      readonly buffer: BrokerBuffer;
      readonly reason: RecallNotice;
      readonly by: Owner | null;
    };

/** Buffers and clients are those of the registry: a watcher copies what it keeps. */
export type BrokerEvent =
  | BufferEvent
  /** Over REST. */
  | { readonly type: 'quota.changed'; readonly quota: RuleId; readonly by: Owner | null }
  /** Over REST. What was freed. */
  | {
      readonly type: 'pool.drained';
      readonly spares: number;
      readonly bytes: number;
      readonly by: Owner | null;
    }
  | { readonly type: 'client.connected'; readonly client: Client }
  /** `by`: who has ended the connection over REST; null: one of its ends. */
  | { readonly type: 'client.disconnected'; readonly client: Client; readonly by: Owner | null }
  /** Somebody was refused something; `buffer` where it was about one. */
  | {
      readonly type: 'refusal';
      readonly error: BrokerError;
      readonly owner: Owner;
      readonly buffer: BrokerBuffer | null;
    };
