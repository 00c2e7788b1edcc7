/**
 * The control plane's questions, answered from the registry in the data plane's thread.
 */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import { Policy } from '../../broker/policy.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { TokenTerms } from '../../broker/tokens.js';
import { NOTHING } from '../../memory/charged.js';
import { BrokerError, toMessage } from '../../memory/errors.js';
import { fourcc } from '../../memory/fourcc.js';
import type { Result } from '../../memory/result.js';
import { usageBits } from '../../memory/usage.js';
import type { ClientDetail, CreateBuffer, Token, TokenRequest } from '../../rest/contract.js';
import { checkIfMatch } from '../words/etag.js';
import type { BufferMemories, PlaneMessage, Question } from '../words/messages.js';
import { type Change, ownerOf, type Requester } from '../words/requester.js';
import type { Journal } from './journal.js';
import { bufferIdOf, checkOwn } from './ownership.js';
import { poolView } from './pool-view.js';
import { listCgroups, listQuotas, listUsers, quotaView } from './quota-views.js';
import { readImage } from './read-image.js';
import { bufferView, clientView, historyView, planView, tokenView } from './views.js';

type Post = (message: PlaneMessage) => void;

function memoriesOf(broker: Broker, id: string): BufferMemories {
  const { allocation, recipients } = broker.find(id);
  return {
    identities: allocation.identities ?? [],
    outside: [...recipients].filter(({ client }) => client.peer.pid === 0).length,
    clients: [...broker.clients].map((client) => ({ id: client.id, pid: client.peer.pid })),
  };
}

function clientDetail(broker: Broker, id: string): ClientDetail {
  const client = broker.client(id);
  const account = [...broker.quotas.accounts].find(
    ({ scope, key }) => scope === 'connection' && key === id,
  );
  return {
    client: clientView(client, broker.clock),
    buffers: [...client.owned].map((buffer) => buffer.id),
    charge: { ...(account?.charge ?? NOTHING) },
  };
}

/** A question that the registry alone can answer. */
export type Answerable = Exclude<
  Question,
  { question: 'metrics' | 'hold' | 'ping' | 'disconnectClient' }
>;

export function answer(broker: Broker, journal: Journal, question: Answerable, post: Post): void {
  const { seq, only = null } = question;
  const by = doer(question);
  const refuse = (error: unknown) => {
    if (by !== null && error instanceof BrokerError) {
      broker.refused(by, error, subject(broker, question));
    }
    post({ kind: 'refusal', seq, error: toMessage(error) });
  };
  try {
    if (only !== null) checkOwn(broker, question, only);
    if (question.question === 'catchUp') journal.ask(seq);
    else if (question.question === 'createBuffer') {
      const { request, requester } = question.parameters;
      create(broker, request, requester, seq, post);
    } else if (question.question === 'planBuffer') {
      const { request, requester } = question.parameters;
      const [owner, asked] = [ownerOf(requester), allocationRequest(request)];
      broker.checkTerms(owner, tokenTerms(request.token));
      broker.test(owner, asked, (result) => {
        if ('error' in result) post({ kind: 'refusal', seq, error: toMessage(result.error) });
        else post({ kind: 'answer', seq, value: planView(asked.spec, result) });
      });
    } else if (question.question === 'reissueBuffer') {
      const done = (result: Result<BrokerBuffer>) => {
        if ('error' in result) refuse(result.error);
        else post({ kind: 'answer', seq, value: bufferView(broker, result) });
      };
      broker.reissue(changing(broker, question.parameters), done, by);
    } else if (question.question === 'readImage') {
      const buffer = broker.get(question.parameters);
      readImage(broker, buffer, by ?? buffer.owner, (result) => {
        if ('error' in result) {
          refuse(result.error);
          return;
        }
        broker.previewed(buffer, by);
        post({ kind: 'answer', seq, value: result });
      });
    } else post({ kind: 'answer', seq, value: lookUp(broker, question, by, only) });
  } catch (error) {
    refuse(error);
  }
}

/** Who asks for something to be done, over REST; null where nobody does. */
export function doer({ by }: Pick<Question, 'by'>): Owner | null {
  return by ? ownerOf(by) : null;
}

/** The buffer that a question is about, where there is one that its sender may know of. */
function subject(broker: Broker, question: Answerable): BrokerBuffer | null {
  const id = bufferIdOf(question);
  if (id === null) return null;
  try {
    if (question.only != null) checkOwn(broker, question, question.only);
    return broker.find(id);
  } catch {
    return null; // There is none: that is what is refused.
  }
}

function lookUp(
  broker: Broker,
  question: Exclude<
    Question,
    {
      question:
        | 'catchUp'
        | 'metrics'
        | 'disconnectClient'
        | 'createBuffer'
        | 'planBuffer'
        | 'reissueBuffer'
        | 'readImage';
    }
  >,
  by: Owner | null,
  only: number | null,
): unknown {
  switch (question.question) {
    case 'getBuffer':
      return bufferView(broker, broker.find(question.parameters));
    case 'getClient':
      return clientDetail(broker, question.parameters);
    case 'historyOf':
      return historyView(broker.find(question.parameters).history, broker.clock);
    case 'memoriesOf':
      return memoriesOf(broker, question.parameters);
    case 'releaseBuffer':
      // Only owners are held to what is theirs.
      broker.release(
        changing(broker, question.parameters),
        only === null ? 'administrator' : 'owner',
        by,
      );
      return null;
    case 'renameBuffer': {
      const { change, name } = question.parameters;
      const buffer = changing(broker, change);
      broker.rename(buffer, name, by);
      return bufferView(broker, buffer);
    }
    case 'extendLease': {
      const buffer = changing(broker, question.parameters.change);
      broker.renew(buffer, question.parameters.seconds, by);
      return bufferView(broker, buffer);
    }
    case 'recallBuffer': {
      const buffer = changing(broker, question.parameters.change);
      broker.quotas.recalls.forAdministrator(buffer, question.parameters.seconds, by);
      return bufferView(broker, buffer);
    }
    case 'listTokens':
      return broker
        .tokens(broker.get(question.parameters))
        .map((token) => tokenView(token, broker.clock));
    case 'shareBuffer': {
      const { change, terms } = question.parameters;
      return share(broker, changing(broker, change), terms, by);
    }
    case 'revokeToken': {
      const { change, tokenId } = question.parameters;
      if (broker.revoke(changing(broker, change), tokenId, by)) return null;
      throw new BrokerError('not_found', `buffer ${change.id} has no token ${tokenId}`);
    }
    case 'listUsers':
      return listUsers(broker.quotas, broker.clock, only);
    case 'listCgroups':
      return listCgroups(broker.quotas, only);
    case 'listQuotas':
      return listQuotas(broker.quotas, only);
    case 'getQuota':
      return quotaView(broker.quotas, question.parameters, only);
    case 'configureQuotas':
      broker.setQuotas('rest', question.parameters.rules, question.parameters.changed, by);
      return null;
    case 'pressed':
      return broker.pressure(question.parameters);
    case 'relieved':
      broker.relieved(question.parameters);
      return null;
    case 'getPool':
      return poolView(broker.pool, broker.clock);
    case 'drainPool':
      return broker.drainPool(by);
    case 'setPool':
      broker.pool.configure(question.parameters);
      return null;
    case 'setPolicy':
      broker.policy = new Policy(question.parameters);
      return null;
    case 'imageDone':
      broker.works.received(question.parameters);
      return null;
    case 'swept':
      broker.swept(question.parameters);
      return null;
    case 'shutDown':
      return null;
  }
}

/** The buffer of a change, if it is still what the change was made for. */
function changing(broker: Broker, { id, ifMatch }: Change): BrokerBuffer {
  const buffer = broker.get(id);
  checkIfMatch(ifMatch, bufferView(broker, buffer));
  return buffer;
}

function allocationRequest(request: CreateBuffer): AllocationRequest {
  const common = {
    usage: request.usage.reduce((bits, name) => bits | usageBits[name], 0),
    alignment: request.alignment ?? {},
    placement: request.placement,
  };
  return {
    spec:
      request.kind === 'buffer'
        ? { kind: 'buffer', size: request.size, ...common }
        : {
            kind: 'image',
            width: request.width,
            height: request.height,
            format: fourcc(request.format),
            modifiers: request.modifiers.map(BigInt),
            separatePlanes: request.separate_planes,
            ...(request.layout && { layout: request.layout }),
            ...common,
          },
    handleTypes: request.handle_types,
    lifetime:
      request.lifetime.type === 'lease' ? { lease: request.lifetime.seconds } : 'until_released',
    name: request.name ?? null,
    sources: request.sources ?? [],
    device: request.device,
  };
}

function tokenTerms({ uses, uid, seconds, may_renew }: TokenRequest): TokenTerms {
  return { uses, uid, seconds, mayRenew: may_renew };
}

function share(broker: Broker, buffer: BrokerBuffer, terms: TokenRequest, by: Owner | null): Token {
  const { info, token } = broker.share(buffer, tokenTerms(terms), by);
  const { id, uses_left, expires_at } = tokenView(info, broker.clock);
  return { id, token, uses: uses_left, expires_at };
}

function create(
  broker: Broker,
  request: CreateBuffer,
  requester: Requester,
  seq: number,
  post: Post,
): void {
  const owner = ownerOf(requester);
  broker.checkTerms(owner, tokenTerms(request.token));
  broker.allocate(owner, allocationRequest(request), (result) => {
    try {
      if ('error' in result) throw result.error;
      const token = share(broker, result, request.token, owner);
      post({ kind: 'answer', seq, value: { buffer: bufferView(broker, result), token } });
    } catch (error) {
      if (error instanceof BrokerError) {
        broker.refused(owner, error);
        if (!('error' in result)) broker.release(result, 'administrator', owner);
      }
      post({ kind: 'refusal', seq, error: toMessage(error) });
    }
  });
}
