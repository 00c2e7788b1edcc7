/**
 * What a question may be about: how it is found, whose it is, and what it looks like to If-Match. Somebody
 * without a role asks about their own user's things alone: everything else does not exist, in the same
 * words as for what really does not.
 */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Client } from '../../broker/buffer.js';
import { noClient } from '../../broker/clients.js';
import type { RuleId } from '../../broker/quota/rules.js';
import { noBuffer } from '../../broker/registry.js';
import { BrokerError } from '../../memory/errors.js';
import { noQuota, ruleId } from '../words/quota-rules.js';
import { isOwnQuota } from './quota-views.js';
import { bufferView } from './views.js';

/** `P`: the parameters that name it. */
export interface Subject<P, S> {
  /** Throws `not_found`; `only`: the user whose it has to be, or null for anybody's. */
  readonly find: (broker: Broker, parameters: P, only: number | null) => S;
  /** Throws where it is there and cannot be asked about. */
  readonly check?: (broker: Broker, subject: S) => void;
  /** As it is shown now. */
  readonly view?: (broker: Broker, subject: S) => object;
}

interface WithId {
  readonly params: { readonly id: string };
}

/** A buffer that is listed, if only because it lingers. */
export const listed: Subject<WithId, BrokerBuffer> = {
  find: (broker, { params: { id } }, only) => {
    const buffer = broker.find(id);
    if (only !== null && buffer.owner.peer.uid !== only) throw noBuffer(id);
    return buffer;
  },
  view: bufferView,
};

const LOOKED_AT = 'what is left of it can be looked at, and nothing else';

/** A buffer that was not released. */
export const live: Subject<WithId, BrokerBuffer> = {
  ...listed,
  check: (broker, { id, released }) => {
    // It is shown, so that "there is none" would be no answer.
    if (released) throw new BrokerError('not_found', `the buffer ${id} is released: ${LOOKED_AT}`);
    broker.get(id);
  },
};

export const connection: Subject<WithId, Client> = {
  find: (broker, { params: { id } }, only) => {
    const client = broker.client(id);
    if (only !== null && client.peer.uid !== only) throw noClient(id);
    return client;
  },
};

export const quota: Subject<
  { readonly params: { readonly scope: string; readonly key: string } },
  RuleId
> = {
  find: (broker, { params }, only) => {
    const id = broker.quotas.aliases.ruleOf(ruleId(params.scope, params.key));
    if (only !== null && !isOwnQuota(id, only)) throw noQuota(id);
    return id;
  },
};

/** Nothing in particular: the asker's part of it is for who answers to see to (`only`). */
export const part: Subject<unknown, null> = { find: () => null };

/** Everybody's: no question for somebody who has no role. */
export const whole: Subject<unknown, null> = {
  find: (_broker, _parameters, only) => {
    if (only !== null) throw new Error('what is everybody’s is not for owners');
    return null;
  },
};
