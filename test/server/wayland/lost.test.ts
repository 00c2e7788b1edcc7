/** dmabroker_buffer_v1 when the device is lost: lost, reissue, reissued, and who may do what. */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_share_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { Bench, FREE, MANAGER, REGISTRY } from './support/bench.js';

const BUFFER = FREE;
const SHARE = FREE + 10;
const REDEEMED = FREE + 20;
const { refusal } = dmabroker_manager_v1.enums;
const event = (name: string) => `dmabroker_buffer_v1.${name}`;

/** An owner with a buffer, another client that has redeemed it, and the device lost. */
function lost() {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const buffer = owner.allocate(BUFFER);
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 2, 0xffffffff, 0, 0);
  const made = owner.events().find(({ name }) => name === 'dmabroker_share_v1.token');
  const token = made?.values[0] as string;
  other.request(dmabroker_manager_v1, MANAGER, 'redeem', REDEEMED, token);
  other.events();
  owner.broker.deviceLost([buffer.allocation]);
  return { owner, other, buffer, token, world: owner.world };
}

const reissue = (bench: Bench, id: number) => bench.request(dmabroker_buffer_v1, id, 'reissue');

t.test('everybody who has it is told', async (t) => {
  const { owner, other } = lost();
  t.match(owner.events(), [{ object: BUFFER, name: event('lost'), values: [1] }]);
  t.match(other.events(), [{ object: REDEEMED, name: event('lost'), values: [1] }]);
});

t.test('who takes up what was lost meanwhile is told once', async (t) => {
  const owner = new Bench();
  owner.request(wl_display, 1, 'get_registry', REGISTRY);
  owner.bind(1, dmabroker_manager_v1.name, 1, MANAGER);
  const told = owner.events().find(({ name }) => name === 'dmabroker_manager_v1.session');
  const session = told?.values[0] as string;
  const buffer = owner.allocate(BUFFER, 'until_released');
  owner.close();
  owner.broker.deviceLost([buffer.allocation]);
  const next = new Bench([], owner).ready();
  const params = BUFFER + 1;
  next.request(dmabroker_manager_v1, MANAGER, 'create_params', params);
  next.request(dmabroker_params_v1, params, 'adopt', BUFFER, buffer.id, session);
  const [info, ...rest] = next.events();
  t.match(info, { object: BUFFER, name: event('info'), values: [buffer.id] });
  t.same(
    rest.map(({ name }) => name),
    ['memory', 'plane', 'done', 'lost'].map(event),
  );
});

t.test('the owner has it re-issued, then others get the new planes', async (t) => {
  const { owner, other, buffer, world } = lost();
  owner.events();
  other.events();
  const before = buffer.held.fds;
  reissue(owner, BUFFER);
  reissue(owner, BUFFER);
  t.same(owner.events(), [], 'nothing until there is memory');
  world.answer();
  const [fd] = buffer.held.fds;
  const planes = (object: number) => [
    { object, name: event('info'), values: [buffer.id, 2] },
    { object, name: event('memory'), values: [0, 0, 4096] },
    { object, name: event('plane'), values: [fd, 4, 0, 0, 0, 64] },
    { object, name: event('done') },
  ];
  const events = owner.events();
  t.match(events, planes(BUFFER));
  t.equal(events.length, 4, 'answered once, and not told what it did itself');
  t.notSame(before, [fd]);
  t.match(other.events(), [{ object: REDEEMED, name: event('reissued'), values: [2] }]);
  reissue(other, REDEEMED);
  t.match(other.events(), planes(REDEEMED));
  t.equal([...buffer.recipients].length, 2);
  t.same([...world.open], [fd], 'the old fds are closed when they have been sent');
});

t.test('nobody but the owner, while it is lost', async (t) => {
  const { owner, other, token, world } = lost();
  owner.events();
  other.events();
  reissue(other, REDEEMED);
  t.match(other.events(), [
    { object: REDEEMED, name: event('failed'), values: [refusal.permission_denied] },
  ]);
  t.same(world.pending, []);
  const id = REDEEMED + 1;
  other.request(dmabroker_manager_v1, MANAGER, 'redeem', id, token);
  t.match(other.events(), [{ object: id, values: [refusal.device_lost] }]);
  owner.request(dmabroker_share_v1, SHARE, 'destroy');
  owner.events();
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, 0xffffffff, 0, 0);
  t.match(owner.events(), [
    { object: SHARE, name: 'dmabroker_share_v1.failed', values: [refusal.device_lost] },
  ]);
  reissue(owner, BUFFER);
  world.answer();
  other.events();
  reissue(other, REDEEMED);
  t.match(other.events()[0], { name: event('info') }, 'the object is good after failed');
});

t.test('a refusal leaves the object good for another try', async (t) => {
  const { owner, world } = lost();
  owner.events();
  reissue(owner, BUFFER);
  world.refuse(new BrokerError('device_lost', 'lost again'));
  t.match(owner.events(), [{ name: event('failed'), values: [refusal.device_lost] }]);
  reissue(owner, BUFFER);
  world.answer();
  t.match(owner.events()[0], { name: event('info') });
});

t.test('an administrator’s reissue is told to all', async (t) => {
  const { owner, other, buffer, world } = lost();
  owner.events();
  other.events();
  owner.broker.reissue(buffer, () => {});
  world.answer();
  for (const bench of [owner, other]) {
    t.match(bench.events(), [{ name: event('reissued'), values: [2] }]);
  }
});

t.test('objects and connections that end while it is re-issued', async (t) => {
  const { owner, other, buffer, world } = lost();
  owner.events();
  reissue(owner, BUFFER);
  owner.request(dmabroker_buffer_v1, BUFFER, 'destroy');
  t.ok(buffer.released);
  const fresh = world.answer();
  t.ok(world.freed.has(fresh.key));
  t.same(owner.names(), ['wl_display.delete_id']);
  other.events();
  reissue(other, REDEEMED);
  t.match(other.events(), [{ name: event('failed'), values: [refusal.not_found] }]);
  t.equal(world.open.size, 0);
});

t.test(
  'a buffer that is not lost is shown again; one that is not there yet when it is',
  async (t) => {
    const bench = new Bench().ready();
    bench.allocate(BUFFER);
    reissue(bench, BUFFER);
    t.same(bench.names(), [event('info'), event('memory'), event('plane'), event('done')]);
    bench.ask(REDEEMED);
    reissue(bench, REDEEMED);
    t.same(bench.names(), ['wl_display.delete_id']);
    bench.world.answer();
    const shown = [event('info'), event('memory'), event('plane'), event('done')];
    t.same(bench.names(), [...shown, ...shown]);
  },
);
