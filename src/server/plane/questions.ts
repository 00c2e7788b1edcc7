/** What only main asks of the data plane, for an operation that it answers itself or for the daemon. */
import { Policy } from '../../broker/policy.js';
import { BrokerError } from '../../memory/errors.js';
import { hasOpaqueFace } from '../../memory/faces.js';
import type { PlaneOperation, QuestionName } from '../words/questions.js';
import { allMemories } from './all-memories.js';
import { act, later, op, type Table } from './answer.js';
import { allocationRequest, share, tokenTerms } from './creation.js';
import { listUsers } from './quota-views.js';
import { readImage } from './read-image.js';
import { listed, live, part, whole } from './subjects.js';
import { bufferView, planView } from './views.js';

const NOBODY = 'nobody asks for it';

export const questions: Table<Exclude<QuestionName, PlaneOperation>> = {
  catchUp: later({ of: whole, start: ({ world, seq }) => world.journal.ask(seq) }),
  allocate: later({
    of: part,
    start: ({ broker, world: { waits }, parameters, by }, done) => {
      if (by === null) throw new Error(NOBODY);
      broker.sharing.checkTerms(by, tokenTerms(parameters.token));
      const { ticket } = parameters;
      let isAnswered = false;
      let givenUp: BrokerError | null = null;
      const giveUp = broker.allocate(by, allocationRequest(parameters), (result) => {
        isAnswered = true;
        if (ticket !== undefined) waits.delete(ticket);
        if ('error' in result) return done(result);
        if (givenUp !== null) {
          done({ error: givenUp });
          broker.release(result, 'administrator', by);
          return;
        }
        try {
          const token = share(broker, result, parameters.token, by);
          done({ value: { buffer: bufferView(broker, result), token } });
        } catch (error) {
          done({ error });
          broker.release(result, 'administrator', by);
        }
      });
      if (ticket === undefined || isAnswered) return;
      waits.set(ticket, (why) => {
        givenUp = why;
        giveUp(why);
      });
    },
  }),
  hungUp: act({
    of: whole,
    run: ({ world: { waits }, parameters: ticket }) => {
      const giveUp = waits.get(ticket);
      waits.delete(ticket);
      giveUp?.(new BrokerError('not_found', 'who asked has hung up, and waits for memory no more'));
    },
  }),
  plan: later({
    of: part,
    dry: true,
    start: ({ broker, parameters, by }, done) => {
      if (by === null) throw new Error(NOBODY);
      const request = allocationRequest(parameters);
      broker.sharing.checkTerms(by, tokenTerms(parameters.token));
      broker.test(by, request, (result) =>
        done('error' in result ? result : { value: planView(request.spec, result) }),
      );
    },
  }),
  readImage: later({
    of: live,
    start: ({ broker, subject, by }, done) =>
      readImage(broker, subject, by ?? subject.owner, (result) => {
        if ('error' in result) return done(result);
        broker.previewed(subject, by);
        done({ value: result });
      }),
  }),
  documentOf: op({ of: live, run: ({ broker, subject }) => broker.commits.metadata(subject) }),
  imageDone: act({
    of: whole,
    run: ({ broker, parameters }) => broker.works.received(parameters),
  }),
  memoriesOf: op({
    of: listed,
    run: ({ broker, subject: { allocation, recipients } }) => ({
      identities: [...(allocation.identities ?? []), ...(allocation.faceIdentities ?? [])],
      opaque: hasOpaqueFace(allocation),
      outside: [...recipients].filter(({ client }) => client.peer.pid === 0).length,
      clients: [...broker.clients].map(({ id, peer }) => ({ id, pid: peer.pid })),
    }),
  }),
  allMemories: op({
    of: part,
    run: ({ broker, only }) => allMemories(broker, only),
  }),
  users: op({
    of: part,
    run: ({ broker, only }) => listUsers(broker.quotas, broker.clock, only),
  }),
  configureQuotas: act({
    of: whole,
    run: ({ broker, parameters: { rules, changed }, by }) =>
      broker.setQuotas('rest', rules, changed, by),
  }),
  pressed: op({ of: whole, run: ({ broker, parameters }) => broker.pressure(parameters) }),
  relieved: act({
    of: whole,
    run: ({ broker, parameters }) => broker.relieved(parameters),
  }),
  metrics: op({ of: whole, run: ({ world }) => world.measured() }),
  ping: act({ of: whole, run: () => {} }),
  setQuotas: act({
    of: whole,
    run: ({ broker, parameters: { rules, recallSeconds } }) =>
      broker.configureQuotas(rules, recallSeconds),
  }),
  setPolicy: act({
    of: whole,
    run: ({ broker, parameters }) => {
      broker.policy = new Policy(parameters);
    },
  }),
  setPool: act({
    of: whole,
    run: ({ broker, parameters }) => broker.pool.configure(parameters),
  }),
  setDisplays: act({
    of: whole,
    run: ({ world, parameters }) => world.setDisplays(parameters),
  }),
  hold: act({
    of: whole,
    run: ({ world, parameters }) => world.connections.hold(parameters),
  }),
  swept: act({
    of: whole,
    run: ({ broker, parameters }) => broker.swept(parameters),
  }),
  shutDown: act({
    of: whole,
    run: ({ world }) => world.shutDown(),
  }),
};
