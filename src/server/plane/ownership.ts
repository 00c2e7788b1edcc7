/**
 * What somebody without a role may ask over REST: about their own user's buffers and connections, and
 * what holds for them. Everything else does not exist, in the same words as for what really does not.
 */
import type { Broker } from '../../broker/broker.js';
import type { Client } from '../../broker/buffer.js';
import { noClient } from '../../broker/clients.js';
import { noBuffer } from '../../broker/registry.js';
import { noQuota } from '../words/quota-rules.js';
import type { Answerable } from './answers.js';
import { isOwnQuota } from './quota-views.js';

/** The id of the buffer that a question is about; null where it is about none. */
export function bufferIdOf(question: Answerable): string | null {
  switch (question.question) {
    case 'getBuffer':
    case 'readImage':
    case 'historyOf':
    case 'memoriesOf':
    case 'listTokens':
      return question.parameters;
    case 'releaseBuffer':
    case 'reissueBuffer':
      return question.parameters.id;
    case 'extendLease':
    case 'recallBuffer':
    case 'shareBuffer':
    case 'revokeToken':
    case 'renameBuffer':
      return question.parameters.change.id;
    default:
      return null;
  }
}

/** A connection; `only`: the user whose it has to be, or null for anybody's. Throws `not_found`. */
export function ownClient(broker: Broker, id: string, only: number | null): Client {
  const client = broker.client(id);
  if (only !== null && client.peer.uid !== only) throw noClient(id);
  return client;
}

/** Throws `not_found` where a question is about something that is not a user's own. */
export function checkOwn(broker: Broker, question: Answerable, uid: number): void {
  const id = bufferIdOf(question);
  if (id !== null) {
    if (broker.find(id).owner.peer.uid !== uid) throw noBuffer(id);
    return;
  }
  switch (question.question) {
    case 'createBuffer':
    case 'planBuffer':
    // Of lists each tells only what is the user's.
    case 'listUsers':
    case 'listCgroups':
    case 'listQuotas':
      return;
    case 'getClient':
      ownClient(broker, question.parameters, uid);
      return;
    case 'getQuota':
      if (!isOwnQuota(question.parameters, uid)) throw noQuota(question.parameters);
      return;
    default:
      throw new Error(`${question.question} is not for owners`);
  }
}
