/** Each act is one record, with who, what and why; what is nobody's act is none. */

import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Owner } from '../../../src/broker/buffer.js';
import { Policy } from '../../../src/broker/policy.js';
import { toldOf } from '../../../src/broker/told.js';
import { dateText } from '../../../src/memory/clock.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { lineOf } from '../../../src/server/events/audit-line.js';
import type { AuditNote } from '../../../src/server/words/audit.js';
import { auditNote, logLevelNote } from '../../../src/server/words/events.js';
import {
  FakeWorld,
  image,
  linear,
  memfd,
  offers,
  peer,
  request,
} from '../../broker/support/world.js';

/** What the log has of it. */
function recordOf(note: AuditNote): object {
  const { level, time, component, msg, ...record } = JSON.parse(lineOf(note, note.at));
  return record;
}

const terms = { uses: 2, uid: 7, seconds: null };
const rest: Owner = { client: null, peer: { ...peer, uid: 0, pid: 99, executable: 'curl' } };
const byRest = {
  uid: 0,
  pid: 99,
  executable: 'curl',
  unit: null,
  token: null,
  client: null,
  rest: true,
};

function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect({ ...peer, unit: 'weston.service' });
  const owner = { client, peer: client.peer };
  const records = (): object[] =>
    world.events.splice(0).flatMap((event) => {
      const note = auditNote(toldOf(event), dateText(world.clock, world.clock.now()));
      return note === null ? [] : [recordOf(note)];
    });
  const allocate = (changes = {}): BrokerBuffer => {
    broker.allocate(owner, request({ lifetime: { lease: 10 }, ...changes }), () => {});
    world.answer();
    return [...broker.buffers].at(-1) as BrokerBuffer;
  };
  const byClient = {
    uid: 1000,
    pid: 10,
    executable: 'test',
    unit: 'weston.service',
    token: null,
    client: client.id,
    rest: false,
  };
  return { world, broker, client, owner, records, allocate, byClient };
}

t.test('every act of a client', async (t) => {
  const { world, broker, client, owner, records, allocate, byClient } = make();
  const buffer = allocate({ spec: image });
  const about = {
    at: dateText(world.clock, world.clock.now()),
    who: byClient,
    buffer: buffer.id,
    size: 640 * 480 * 4,
    format: 'XR24',
    source: 'memfd',
    handle_type: 'memfd',
    owner: 1000,
  };
  t.same(records(), [{ act: 'grant', ...about }], 'connecting is none');
  const { token, info } = broker.sharing.share(buffer, { ...terms, uid: null }, owner);
  t.same(records(), [{ act: 'share', ...about, token: info.id, uses: 2, for_uid: null }]);
  broker.sharing.redeem(client, token);
  t.same(records(), [{ act: 'redeem', ...about, token: info.id }]);
  broker.sharing.revoke(buffer, info.id, owner);
  t.same(records(), [{ act: 'revoke', ...about, token: info.id }]);
  broker.leases.renew(buffer, 20, owner);
  t.same(records(), [{ act: 'renew', ...about, seconds: 20 }]);
  broker.deviceLost([buffer.allocation]);
  t.same(records(), [], 'a loss is nobody’s act');
  broker.reissue(buffer, () => {}, owner);
  world.answer();
  t.same(records(), [{ act: 'reissue', ...about }]);
  broker.release(buffer, 'owner');
  t.same(records(), [{ act: 'release', ...about, reason: 'owner' }]);

  const fd = world.openFd();
  const planes = [{ fd, offset: 0, stride: 0 }];
  const brought = { spec: linear, planes, lifetime: 'connection', name: null } as const;
  broker.import(owner, brought, () => {});
  world.answerImport();
  t.match(records(), [{ act: 'import', who: byClient, source: 'import', size: 4096 }]);
});

t.test('every act over REST', async (t) => {
  const { broker, records, allocate } = make();
  const buffer = allocate();
  records();
  const about = { who: byRest, buffer: buffer.id, owner: 1000 };
  broker.rename(buffer, 'cursor', rest);
  t.match(records(), [{ act: 'rename', ...about, name: 'cursor' }]);
  broker.sharing.share(buffer, terms, rest);
  t.match(records(), [{ act: 'share', ...about, for_uid: 7 }]);
  broker.leases.renew(buffer, 20, rest);
  t.match(records(), [{ act: 'renew', ...about }]);
  broker.previewed(buffer, rest);
  t.match(records(), [{ act: 'preview', ...about }]);
  broker.quotas.recalls.forAdministrator(buffer, 5, rest);
  t.match(records(), [{ act: 'recall', ...about, reason: 'administrator' }]);
  broker.setQuotas('rest', new Map([['user/7', { bytes: 1 }]]), 'user/7', rest);
  t.match(records(), [{ act: 'set_quota', who: byRest, quota: 'user/7' }]);
  broker.release(buffer, 'administrator', rest);
  t.match(records(), [{ act: 'forced_release', ...about, reason: 'administrator' }]);
});

t.test('the end of a connection is an act where somebody else has ended it', async (t) => {
  const { broker, client, records } = make();
  const other = broker.connect({ ...peer, uid: 1001 });
  records();
  broker.disconnect(client);
  t.same(records(), []);
  broker.disconnect(other, rest);
  t.match(records(), [{ act: 'disconnect', who: byRest, client: other.id, owner: 1001 }]);
});

t.test('somebody who has a token is named by it', async (t) => {
  const { broker, records, allocate } = make();
  const buffer = allocate();
  records();
  const unknown = { ...peer, uid: null, pid: null, executable: null };
  const by: Owner = { client: null, peer: unknown, token: 'grafana' };
  broker.rename(buffer, 'x', by);
  t.match(records(), [{ act: 'rename', who: { uid: null, token: 'grafana', rest: true } }]);
  t.match(buffer.history.entries.at(-1), {
    type: 'buffer.renamed',
    who: { uid: null, token: 'grafana' },
  });
  const at = new Date(0).toISOString();
  const level = { act: 'set_log_level', at, who: { token: 'grafana' }, log_level: 'debug' };
  t.match(logLevelNote(by, 'debug', at), level);
});

t.test('what the daemon does by itself', async (t) => {
  const { world, broker, records, allocate } = make();
  const buffer = allocate();
  records();
  const about = { who: null, buffer: buffer.id, reason: 'lease_expired' };
  world.pass(10_000);
  broker.poll();
  t.match(records(), [{ act: 'recall', ...about }]);
  world.pass(5_000);
  broker.poll();
  t.match(records(), [{ act: 'forced_release', ...about }]);
  const other = allocate();
  records();
  broker.pressure({ sources: null, seconds: 5 });
  t.match(records(), [{ act: 'recall', who: null, buffer: other.id, reason: 'memory_pressure' }]);
});

t.test('refusals', async (t) => {
  const { broker, owner, records, allocate, byClient } = make();
  const buffer = allocate();
  records();
  const no = { uids: [], gids: [] };
  broker.policy = new Policy({
    connect: no,
    admin: no,
    operator: no,
    reader: no,
    preview: no,
    owner: no,
    rules: [{ who: null, share: 'nobody' }],
  });
  try {
    broker.sharing.share(buffer, terms, owner);
    t.fail('shared');
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    broker.refused(owner, error, buffer);
  }
  const [record] = records();
  t.match(record, {
    act: 'refusal',
    who: byClient,
    buffer: buffer.id,
    code: 'permission_denied',
    constraint: 'share',
    reason: /policy/,
  });
  broker.refused(rest, new BrokerError('not_found', 'there is no buffer x'));
  t.match(records(), [{ act: 'refusal', who: byRest, code: 'not_found' }]);
});
