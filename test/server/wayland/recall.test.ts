/** dmabroker_buffer_v1.recall: told to the owner's object, and to nobody else's. */
import t from 'tap';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { bufferView } from '../../../src/server/plane/views.js';
import { Bench, FREE, MANAGER } from './support/bench.js';

t.test('the owner is told, and told again when it may keep the buffer', async (t) => {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const buffer = owner.allocate(FREE);
  const { token } = owner.broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null });
  other.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE, token);
  other.events();
  const { recall_reason } = dmabroker_buffer_v1.enums;
  const name = 'dmabroker_buffer_v1.recall';

  owner.broker.pressure({ sources: null, seconds: 5 });
  const values = [recall_reason.memory_pressure, 5];
  t.match(owner.events(), [{ object: FREE, name, values }]);
  t.same(other.names(), []);

  owner.world.pass(5000);
  owner.ask(FREE + 1);
  const [code] =
    owner.events().find((event) => event.name === 'dmabroker_buffer_v1.failed')?.values ?? [];
  t.equal(code, dmabroker_manager_v1.enums.refusal.recalled);

  owner.broker.relieved(null);
  t.match(owner.events(), [{ object: FREE, name, values: [recall_reason.withdrawn, 0] }]);
  owner.allocate(FREE + 3);
});

t.test('an administrator asks, in place of whoever has asked before', async (t) => {
  const owner = new Bench().ready();
  const buffer = owner.allocate(FREE);
  const { recalls } = owner.broker.quotas;
  const { memory_pressure, administrator } = dmabroker_buffer_v1.enums.recall_reason;
  owner.broker.pressure({ sources: null, seconds: 5 });
  recalls.forAdministrator(buffer, 60);
  t.match(owner.events(), [{ values: [memory_pressure, 5] }, { values: [administrator, 60] }]);
  const deadline = new Date(owner.world.clock.today + 60_000).toISOString();
  const recall = { reason: 'administrator', deadline };
  t.match(bufferView(owner.broker, buffer), { recall });
  owner.broker.relieved(null);
  t.same(owner.events(), [], 'it is asked for still');

  owner.world.pass(60_000);
  owner.ask(FREE + 1);
  const refusal = owner.events().find(({ name }) => name === 'dmabroker_buffer_v1.failed');
  t.equal(refusal?.values[0], dmabroker_manager_v1.enums.refusal.recalled);
  owner.broker.release(buffer, 'owner');
  owner.allocate(FREE + 3);
  t.match(bufferView(owner.broker, buffer), { recall: null });
});
