/** REST's operations and main's questions, answered from the registry. */
import t from 'tap';
import { Policy } from '../../../src/broker/policy.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { MAX_TOKEN_USES } from '../../../src/memory/limits.js';
import type { BufferInfo, CreateBuffer, CreatedBuffer, Token } from '../../../src/rest/contract.js';
import { bufferView } from '../../../src/server/plane/views.js';
import { etagOf } from '../../../src/server/words/etag.js';
import { peer } from '../../broker/support/world.js';
import { type Asking, call, makePlane } from './support.js';

const nobody = { uids: [], gids: [] };
const sharingNothing = new Policy({
  connect: nobody,
  admin: nobody,
  operator: nobody,
  reader: nobody,
  preview: nobody,
  owner: nobody,
  rules: [{ who: null, share: 'nobody' }],
});

function make() {
  const plane = makePlane();
  const { world, broker, ask } = plane;
  const create = (
    changes: Partial<CreateBuffer> = {},
    question: 'allocate' | 'plan' = 'allocate',
  ) => {
    const parameters = {
      kind: 'buffer',
      size: 4096,
      usage: ['transfer', 'cpu_read'],
      handle_types: ['memfd'],
      token: { uses: 2, uid: null, seconds: 60 },
      lifetime: { type: 'until_released' },
      ...changes,
    } as CreateBuffer;
    return ask({ question, parameters }, { ...peer, pid: null });
  };
  /** What is answered, or the refusal. */
  const value = (question: Asking) => {
    const message = ask(question);
    return message?.kind === 'answer' ? message.value : message;
  };
  /** The buffer that `create` has made, with its memory. */
  const made = () => {
    create();
    world.answer();
    const [buffer] = broker.buffers;
    if (buffer === undefined) throw new Error('nothing was allocated');
    return buffer;
  };
  return { ...plane, create, value, made };
}

t.test('a dry run is refused for the sake of its token as the buffer is', async (t) => {
  const { world, broker, create } = make();
  t.match(create({}, 'plan'), { kind: 'answer' });
  broker.policy = sharingNothing;
  for (const question of ['plan', 'allocate'] as const) {
    const refused = { kind: 'refusal', error: { code: 'permission_denied' } };
    t.match(create({}, question), refused, question);
  }
  t.equal(world.pending.length, 0, 'no memory is made for it');
});

t.test('an allocation is answered when there is memory', async (t) => {
  const { world, broker, posted, create } = make();
  t.equal(create({ name: 'mine' }), undefined, 'not yet');
  t.match(world.pending, [{ choice: { spec: { usage: 4 | 16 } } }]);
  world.answer();
  const [message] = posted;
  t.match(message, { kind: 'answer', seq: 7 });
  const { buffer, token } = (message as { value: unknown }).value as CreatedBuffer;
  t.match(buffer, {
    name: 'mine',
    kind: 'buffer',
    size: 4096,
    lifetime: { type: 'until_released' },
    owner: { client: null, uid: 1000, pid: null },
    recipients: [],
    tokens: 1,
  });
  t.match(token, { uses: 2, expires_at: new Date(world.clock.today + 60_000).toISOString() });
  const found = broker.sharing.redeem(broker.connect(peer), token.token);
  t.equal(found.buffer.id, buffer.id);
});

t.test('an image by its names', async (t) => {
  const { world, create } = make();
  const modifiers = ['0x0000000000000000'];
  create({ kind: 'image', width: 64, height: 32, format: 'XR24', modifiers } as object);
  t.match(world.pending, [{ choice: { spec: { kind: 'image', width: 64, modifiers: [0n] } } }]);
});

t.test('a token that cannot be made takes the buffer with it', async (t) => {
  const { world, broker, posted, create } = make();
  const terms = { uses: MAX_TOKEN_USES + 1, uid: null, seconds: null, may_renew: false };
  const refused = { kind: 'refusal', seq: 7, error: { code: 'invalid_argument' } };
  t.match(create({ token: terms }), refused, 'before there is memory');
  t.equal(world.pending.length, 0);
  create();
  broker.policy = sharingNothing;
  world.answer();
  t.match(posted, [{ kind: 'refusal', seq: 7, error: { code: 'permission_denied' } }]);
  t.same([...broker.buffers], []);
  t.equal(world.open.size, 0);
});

t.test('refusals', async (t) => {
  const { world, posted, ask, create } = make();
  t.match(create({ handle_types: ['dma_buf'] }), {
    kind: 'refusal',
    error: { code: 'unsupported_handle_type' },
  });
  create();
  world.refuse(new BrokerError('out_of_memory', 'none', { requested: 1 }));
  t.match(posted.pop(), { error: { code: 'out_of_memory', refusal: { requested: 1 } } });
  const id = 'aaa';
  for (const question of [
    call('getBuffer', { id }),
    call('releaseBuffer', { id }),
    call('changeBuffer', { id }, { body: { name: null } }),
  ]) {
    t.match(ask(question), { kind: 'refusal', seq: 7, error: { code: 'not_found' } });
  }
});

t.test('tokens are made, listed and revoked', async (t) => {
  const { ask, value, made } = make();
  const { id } = made();
  const terms = { uses: 3, uid: 7, seconds: null, may_renew: true };
  const shared = value(call('shareBuffer', { id }, { body: terms })) as Token;
  t.match(shared, { id: 't2', token: /^[a-z2-7]{26}$/, uses: 3, expires_at: null });
  const list = value(call('listTokens', { id }));
  t.match(list, [
    { id: 't1', uses_left: 2 },
    { id: 't2', uses_left: 3, uid: 7, may_renew: true },
  ]);
  t.notMatch(JSON.stringify(list), shared.token);
  const revoke = call('revokeToken', { id, token_id: 't2' });
  t.equal(value(revoke), null);
  t.match(ask(revoke), { kind: 'refusal', error: { code: 'not_found' } });
  t.match(value(call('listTokens', { id })), [{ id: 't1' }]);
});

t.test('the history, of what lingers too', async (t) => {
  const { world, broker, value, made } = make();
  const buffer = made();
  const { id } = buffer;
  const history = () => value(call('getHistory', { id }));
  const time = new Date(world.clock.today).toISOString();
  const until = new Date(world.clock.today + 60_000).toISOString();
  const { uid, executable, unit } = peer;
  const who = { client: null, uid, pid: null, executable, unit, token: null };
  const created = { time, type: 'buffer.created', who, reason: null };
  const shared = {
    time,
    type: 'buffer.shared',
    who,
    reason: `t1: 2 uses, any user, until ${until}`,
  };
  t.same(history(), { events: [created, shared], forgotten: 0 });
  world.held.set(buffer.allocation.key, 'lingering');
  broker.release(buffer, 'administrator');
  t.match(history(), { events: [{}, {}, { type: 'buffer.released', reason: 'administrator' }] });
  world.held.clear();
  world.pass(10_000);
  broker.poll();
  t.match(history(), { error: { code: 'not_found' } });
});

t.test('a lease is made, shown and extended', async (t) => {
  const { world, broker, ask, create } = make();
  create({ lifetime: { type: 'lease', seconds: 60 } });
  world.answer();
  const [buffer] = broker.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  const at = (milliseconds: number) => new Date(world.clock.today + milliseconds).toISOString();
  const { id } = buffer;
  const lifetime = () => {
    const message = ask(call('getBuffer', { id }));
    return message?.kind === 'answer' ? (message.value as BufferInfo).lifetime : message;
  };
  const ends_at = at(60_000);
  t.same(lifetime(), { type: 'lease', seconds: 60, ends_at, released_at: null });
  const etag = () => etagOf(bufferView(broker, buffer));
  const first = etag();
  for (let i = 0; i < 120; i++) {
    world.pass(0.25);
    if (etag() !== first) t.fail(`another ETag after ${i} questions`);
  }
  t.equal(etag(), first);
  world.clock.setDate(3_600_000);
  t.match(lifetime(), { ends_at: at(60_000 - 30) }, 'the same moment by another date');
  world.pass(60_000 - 30);
  broker.poll();
  const ended = { ends_at: at(0), released_at: at(5000) };
  t.same(lifetime(), { type: 'lease', seconds: 60, ...ended });
  ask(call('extendLease', { id }, { body: { seconds: 9 } }));
  t.same(lifetime(), { type: 'lease', seconds: 9, ends_at: at(9000), released_at: null });
});

t.test('changes, one, and release', async (t) => {
  const { world, broker, posted, ask, create, value } = make();
  t.equal(value({ question: 'catchUp', parameters: null }), null);
  t.same(posted, [], 'nothing has changed');
  create();
  world.answer();
  const client = broker.connect(peer);
  const [buffer] = broker.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  broker.sharing.handedOut(buffer, client);
  posted.length = 0;
  t.equal(value({ question: 'catchUp', parameters: null }), null);
  const [message] = posted;
  if (message?.kind !== 'changes') throw new Error('no changes came before the answer');
  const { buffers, clients } = message.changes;
  t.match(buffers, [{ recipients: [{ client: client.id, connected: true }] }]);
  t.same(value(call('getBuffer', { id: buffer.id })), buffers[0]);
  t.match(clients, [
    { id: client.id, pid: peer.pid, executable: 'test', buffers: 0, bytes: 0, fds_sent: 1 },
  ]);
  const { id } = buffer;
  const ifMatch = '"stale"';
  const renamed = value(call('changeBuffer', { id }, { body: { name: 'new' } }));
  t.match(renamed, { id: buffer.id, name: 'new' });
  t.match(ask(call('changeBuffer', { id }, { body: { name: 'newer' }, ifMatch })), {
    error: { code: 'precondition_failed' },
  });
  t.match(ask(call('releaseBuffer', { id }, { ifMatch })), {
    error: { code: 'precondition_failed' },
  });
  t.equal(buffer.name, 'new');
  const reasons: string[] = [];
  buffer.watchers.add({ released: (reason) => reasons.push(reason) });
  t.equal(value(call('releaseBuffer', { id })), null);
  t.same(reasons, ['administrator']);
  t.equal(world.open.size, 0);
  t.equal(value({ question: 'shutDown', parameters: null }), null);
});
