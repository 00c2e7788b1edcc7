/**
 * REST's operations that the data plane answers, each from the registry alone. openapi.yaml says what they
 * are and who may ask; the compiler demands an entry for each of its operationIds that main has not.
 */
import { NOTHING } from '../../memory/charged.js';
import { BrokerError } from '../../memory/errors.js';
import type { PlaneOperation } from '../words/questions.js';
import { act, later, op, type Table } from './answer.js';
import { share } from './creation.js';
import { poolView } from './pool-view.js';
import { listCgroups, listQuotas, quotaView } from './quota-views.js';
import { connection, listed, live, part, quota, whole } from './subjects.js';
import { bufferView, clientView, historyView, tokenView, waitingViews } from './views.js';

export const operations: Table<PlaneOperation> = {
  getBuffer: op({ of: listed, run: ({ broker, subject }) => bufferView(broker, subject) }),
  getHistory: op({
    of: listed,
    run: ({ broker, subject }) => historyView(subject.history, broker.clock),
  }),
  changeBuffer: op({
    of: live,
    run: ({ broker, subject, parameters, by }) => {
      broker.rename(subject, parameters.body.name, by);
      return bufferView(broker, subject);
    },
  }),
  releaseBuffer: act({
    of: live,
    run: ({ broker, subject, by, only }) => {
      // Only owners are held to what is theirs.
      broker.release(subject, only === null ? 'administrator' : 'owner', by);
    },
  }),
  reissueBuffer: later({
    of: live,
    start: ({ broker, subject, by }, done) =>
      broker.reissue(
        subject,
        (result) => done('error' in result ? result : { value: bufferView(broker, result) }),
        by,
      ),
  }),
  extendLease: op({
    of: live,
    run: ({ broker, subject, parameters, by }) => {
      broker.leases.renew(subject, parameters.body.seconds, by);
      return bufferView(broker, subject);
    },
  }),
  recallBuffer: op({
    of: live,
    run: ({ broker, subject, parameters, by }) => {
      broker.quotas.recalls.forAdministrator(subject, parameters.body.seconds, by);
      return bufferView(broker, subject);
    },
  }),
  listTokens: op({
    of: live,
    run: ({ broker, subject }) =>
      broker.sharing.tokens.list(subject).map((token) => tokenView(token, broker.clock)),
  }),
  shareBuffer: op({
    of: live,
    run: ({ broker, subject, parameters, by }) => share(broker, subject, parameters.body, by),
  }),
  revokeToken: act({
    of: live,
    run: ({ broker, subject, parameters, by }) => {
      const { token_id } = parameters.params;
      if (broker.sharing.revoke(subject, token_id, by)) return;
      throw new BrokerError('not_found', `buffer ${subject.id} has no token ${token_id}`);
    },
  }),
  getClient: op({
    of: connection,
    run: ({ broker, subject }) => {
      const account = [...broker.quotas.accounts].find(
        ({ scope, key }) => scope === 'connection' && key === subject.id,
      );
      return {
        client: clientView(subject, broker.clock),
        buffers: [...subject.owned].map(({ id }) => id),
        charge: { ...(account?.charge ?? NOTHING) },
      };
    },
  }),
  disconnectClient: act({
    of: connection,
    run: ({ world, subject, by }) => world.connections.disconnect(subject, by),
  }),
  listCgroups: op({ of: part, run: ({ broker, only }) => listCgroups(broker.quotas, only) }),
  listQuotas: op({ of: part, run: ({ broker, only }) => listQuotas(broker.quotas, only) }),
  getQuota: op({
    of: quota,
    run: ({ broker, subject, only }) => quotaView(broker.quotas, subject, only),
  }),
  listWaiting: op({ of: part, run: ({ broker, only }) => waitingViews(broker, only) }),
  getPool: op({ of: whole, run: ({ broker }) => poolView(broker.pool, broker.clock) }),
  drainPool: op({ of: whole, run: ({ broker, by }) => broker.drainPool(by) }),
};
