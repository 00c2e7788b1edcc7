/**
 * Requests that name a Vulkan device: it is opened once, serves with its own sources alone, and what
 * cannot be had of it is refused; memory that is brought waits for it with its fds.
 */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { checkRequest, chooseSource } from '../../src/broker/request.js';
import { BrokerError } from '../../src/memory/errors.js';
import type { Result } from '../../src/memory/result.js';
import type { Plan, SourceState } from '../../src/memory/source.js';
import { refused } from '../support/refused.js';
import {
  FakeWorld,
  image,
  linear,
  memfd,
  offers,
  peer,
  request,
  second,
  secondOpen,
} from './support/world.js';

const MAIN = 'aa'.repeat(16);
const BROKEN = 'bb'.repeat(16);
const vulkan: SourceState = { name: 'vulkan', handleType: 'dma_buf', usable: true, reason: 'Main' };
const main = {
  uuid: MAIN,
  name: 'Main',
  table: { sources: [vulkan], offers: [] },
  problem: null,
};
const broken = { uuid: BROKEN, name: 'Broken', table: null, problem: 'no driver' };

function make() {
  const world = new FakeWorld();
  const devices = [main, second, broken];
  const broker = new Broker(world, { sources: [vulkan, memfd], offers, devices });
  const client = broker.connect(peer);
  const owner = { client, peer };
  const results: Result<BrokerBuffer>[] = [];
  const allocate = (device: string, changes: Parameters<typeof request>[0] = {}) =>
    broker.allocate(owner, request({ handleTypes: ['dma_buf'], device, ...changes }), (result) =>
      results.push(result),
    );
  return { world, broker, client, owner, results, allocate };
}

t.test('a source of the device', async (t) => {
  const table = secondOpen.table ?? { sources: [], offers: [] };
  const choose = (changes: Parameters<typeof request>[0]) =>
    chooseSource(
      checkRequest(request({ device: second.uuid, ...changes })),
      table.sources,
      table.offers,
    );
  t.same(choose({ handleTypes: ['opaque_fd', 'dma_buf'] }), {
    source: 'vulkan',
    handleType: 'dma_buf',
    device: second.uuid,
    spec: linear,
  });
  t.match(choose({ handleTypes: ['opaque_fd'] }), { handleType: 'opaque_fd' });
  t.match(choose({ handleTypes: ['dma_buf'], spec: image }), { device: second.uuid, spec: image });
  t.match(
    refused(() => choose({ handleTypes: ['memfd'] })),
    { code: 'unsupported_handle_type', refusal: { possible: ['dma_buf', 'opaque_fd'] } },
    'nothing without a device is taken in its place',
  );
  t.match(
    refused(() => choose({ handleTypes: ['dma_buf'], sources: ['udmabuf'] })),
    {
      code: 'unsupported_source',
      message: /udmabuf: no source of a device/,
      refusal: { possible: ['vulkan'] },
    },
  );
});

t.test('a device is opened once, by the first request that names it', async (t) => {
  const { world, results, allocate } = make();
  allocate(second.uuid);
  allocate(second.uuid);
  t.same(
    world.opening.map(({ uuid }) => uuid),
    [second.uuid],
  );
  t.equal(world.pending.length, 0);
  world.answerOpen(secondOpen);
  t.match(world.pending, [
    { choice: { source: 'vulkan', device: second.uuid } },
    { choice: { source: 'vulkan', device: second.uuid } },
  ]);
  world.answer();
  world.answer();
  t.match(results, [{ allocation: { device: second.uuid } }, {}]);
  allocate(second.uuid);
  allocate(MAIN);
  t.equal(world.opening.length, 0);
  t.match(world.pending[1], { choice: { device: MAIN } });
});

t.test('devices that are not there or cannot be opened', async (t) => {
  const { world, results, allocate } = make();
  allocate('cc'.repeat(16));
  t.match(results.pop(), {
    error: {
      code: 'unsupported_device',
      message: new RegExp(`Main \\(${MAIN}\\); Second \\(${second.uuid}\\)`),
      refusal: { constraint: 'device', possible: [MAIN, second.uuid] },
    },
  });
  allocate(BROKEN);
  t.match(results.pop(), {
    error: { code: 'unsupported_device', message: 'Broken cannot be used: no driver' },
  });
  allocate(second.uuid, { handleTypes: ['memfd'] });
  world.answerOpen({ ...second, problem: 'it is gone' });
  t.match(results.pop(), {
    error: {
      code: 'unsupported_device',
      message: 'Second cannot be used: it is gone',
      refusal: { nearest: { kind: 'buffer', size: 4096, handle_types: ['memfd'] } },
    },
  });
  allocate(second.uuid);
  t.equal(world.opening.length, 0, 'it is not tried again');
  t.equal(results.length, 1);
});

t.test('a defect of the opening is no verdict on the device', async (t) => {
  const { world, results, allocate } = make();
  allocate(second.uuid);
  world.answerOpen({ error: new BrokerError('internal', 'the daemon failed') });
  t.match(results, [{ error: { code: 'internal' } }]);
  allocate(second.uuid);
  t.equal(world.opening.length, 1);
});

t.test('the nearest request names the device unless it is at fault', async (t) => {
  const { world, results, allocate } = make();
  allocate(second.uuid, { spec: { ...linear, size: 0 } });
  world.answerOpen(secondOpen);
  t.match(results, [{ error: { refusal: { nearest: { size: 1, device: second.uuid } } } }]);
  allocate('cc'.repeat(16));
  const [, result] = results;
  if (result === undefined || !('error' in result)) throw new Error('it was not refused');
  t.same(result.error.refusal.nearest, {
    kind: 'buffer',
    size: 4096,
    usage: ['transfer'],
    handle_types: ['dma_buf'],
  });
});

t.test('a dry run opens the device, too', async (t) => {
  const { world, broker, owner } = make();
  const plans: Result<Plan>[] = [];
  const asked = request({ handleTypes: ['dma_buf'], device: second.uuid });
  broker.test(owner, asked, (result) => plans.push(result));
  world.answerOpen(secondOpen);
  t.match(plans, [{ source: 'vulkan' }]);
});

t.test('imports wait with their fds', async (t) => {
  const { world, broker, owner, client } = make();
  const results: Result<BrokerBuffer>[] = [];
  const bring = (device: string) =>
    broker.import(
      owner,
      {
        spec: linear,
        planes: [{ fd: world.openFd(), offset: 0, stride: 0 }],
        device,
        lifetime: 'connection',
        name: null,
      },
      (result) => results.push(result),
    );
  bring('cc'.repeat(16));
  t.match(results.pop(), { error: { code: 'unsupported_device' } });
  t.equal(world.open.size, 0, 'closed');
  bring(second.uuid);
  world.answerOpen(secondOpen);
  t.match(world.imports, [{ device: second.uuid }]);
  world.answerImport();
  t.match(results.pop(), { allocation: { source: 'import', device: second.uuid } });
  broker.disconnect(client);
  t.equal(world.open.size, 0);
});

t.test('whoever has gone in the meantime gets nothing', async (t) => {
  const { world, broker, client, results, allocate } = make();
  allocate(second.uuid, { lifetime: 'until_released' });
  broker.disconnect(client);
  world.answerOpen(secondOpen);
  t.match(results, [{ error: { code: 'not_found' } }]);
  t.equal(world.pending.length, 0);
});

t.test('memory is allocated anew on its own device', async (t) => {
  const { world, broker, results, allocate } = make();
  allocate(MAIN);
  allocate(second.uuid);
  world.answerOpen(secondOpen);
  const [mine] = [world.answer(), world.answer()];
  const [first, other] = [...broker.buffers];
  if (first === undefined || other === undefined) throw new Error('nothing was allocated');
  t.equal(results.length, 2);
  broker.deviceLost([mine]);
  t.match([first.state, other.state], ['lost', 'live']);
  broker.reissue(first, () => {});
  t.match(world.pending, [{ choice: { device: MAIN } }]);
  world.answer();
  t.equal(first.state, 'live');
});
