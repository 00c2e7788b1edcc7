/**
 * What happens in the registry, told to whoever watches it (`Surroundings.report`): the event stream
 * and the counters are made from these, never from the registry's state.
 */
import type { BrokerBuffer, Client, Owner, RecallNotice, ReleaseReason } from './buffer.js';
import type { BrokerError } from './errors.js';
import type { RuleId } from './quota/rules.js';

/** Buffers and clients are those of the registry: a watcher copies what it keeps. */
export type BrokerEvent =
  | {
      readonly type: 'buffer.created' | 'buffer.lost' | 'buffer.reissued';
      readonly buffer: BrokerBuffer;
    }
  | { readonly type: 'buffer.redeemed'; readonly buffer: BrokerBuffer; readonly client: Client }
  | {
      readonly type: 'buffer.released';
      readonly buffer: BrokerBuffer;
      readonly reason: ReleaseReason;
    }
  | {
      readonly type: 'buffer.recalled';
      readonly buffer: BrokerBuffer;
      readonly reason: RecallNotice;
    }
  /** Over REST. */
  | { readonly type: 'quota.changed'; readonly quota: RuleId }
  | { readonly type: 'client.connected' | 'client.disconnected'; readonly client: Client }
  /** Somebody was refused something; `buffer` where it was about one. */
  | {
      readonly type: 'refusal';
      readonly error: BrokerError;
      readonly owner: Owner;
      readonly buffer: BrokerBuffer | null;
    };
