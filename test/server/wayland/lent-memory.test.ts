/**
 * The memfd of a client's own memory: there for whoever makes a dma_buf of it until that is answered, whatever its client
 * does meanwhile, and closed exactly once.
 */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_test_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { offers } from '../../broker/support/world.js';
import { Bench, errorOf, FDS, FREE, MANAGER } from './support/bench.js';

const { error } = dmabroker_params_v1.enums;
const { refusal } = dmabroker_manager_v1.enums;
const PARAMS = FREE;
const BUFFER = FREE + 1;
const MEMFD = 500;
const udmabuf = { name: 'udmabuf', handleType: 'dma_buf', usable: true, reason: '' } as const;

const set = (bench: Bench, fd: number, offset = 0) =>
  bench.feed(bench.peer.request(dmabroker_params_v1, PARAMS, 'set_memory', fd, 0, offset), [fd]);
const ask = (bench: Bench, request: 'create' | 'import' | 'add_buffer') =>
  bench.request(dmabroker_params_v1, PARAMS, request, BUFFER);

/** Linear memory of 4096 bytes, to be made of a memfd. */
function withMemory(offset = 0): Bench {
  const bench = new Bench().ready();
  bench.broker.setSources([udmabuf], offers, []);
  bench.kinds.set(MEMFD, 'memfd');
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  bench.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096);
  set(bench, MEMFD, offset);
  return bench;
}

/** The code and the constraint of a failed event. */
function failure(bench: Bench) {
  const [failed] = bench.events().filter(({ name }) => name.endsWith('.failed'));
  const [code, , detail] = failed?.values ?? [];
  return { code, ...JSON.parse(String(detail ?? '{}')) };
}

t.test('it is kept until the dma_buf is made, and no longer', async (t) => {
  const bench = withMemory(8192);
  ask(bench, 'create');
  bench.request(dmabroker_params_v1, PARAMS, 'destroy');
  t.match(bench.world.pending, [
    { choice: { source: 'udmabuf', memory: { fd: MEMFD, offset: 8192 } } },
  ]);
  t.strictSame(bench.closed, [], 'somebody needs it');
  t.notOk(bench.allowance.has(FDS / 2), 'and it is its user’s');
  bench.world.answer();
  t.strictSame(bench.closed, [MEMFD]);
  t.ok(bench.allowance.has(FDS / 2), 'and no more');
  t.ok(bench.names().includes('dmabroker_buffer_v1.done'));
  bench.close();
  t.strictSame(bench.closed, [MEMFD], 'once');
  t.equal(bench.world.open.size, 0);
});

t.test('what its client does meanwhile', async (t) => {
  const cases: [string, (bench: Bench) => void][] = [
    ['leaves', (bench) => bench.close()],
    ['gives it up', (bench) => bench.request(dmabroker_buffer_v1, BUFFER, 'destroy')],
  ];
  for (const [name, meanwhile] of cases) {
    const bench = withMemory();
    ask(bench, 'create');
    meanwhile(bench);
    t.strictSame(bench.closed, [], `${name}: a thread may be about to look at it`);
    bench.world.answer();
    t.strictSame(bench.closed, [MEMFD], name);
    t.equal(bench.world.open.size, 0, `${name}: the dma_buf goes`);
  }
});

t.test('where nothing is made of it', async (t) => {
  const refused = withMemory();
  ask(refused, 'create');
  refused.world.refuse(new BrokerError('out_of_memory', 'none'));
  t.match(failure(refused), { code: refusal.out_of_memory, nearest: null });
  t.strictSame(refused.closed, [MEMFD], 'refused by the source');

  const unable = withMemory();
  unable.broker.setSources([{ ...udmabuf, usable: false, reason: 'no device' }], offers, []);
  ask(unable, 'create');
  t.match(failure(unable), { code: refusal.unsupported_source });
  t.strictSame(unable.closed, [MEMFD], 'there is no udmabuf');

  const elsewhere = withMemory();
  elsewhere.request(dmabroker_params_v1, PARAMS, 'set_source', 'memfd');
  ask(elsewhere, 'create');
  t.match(failure(elsewhere), { code: refusal.unsupported_source, possible: ['udmabuf'] });
  t.strictSame(elsewhere.closed, [MEMFD], 'another source is named');

  const other = new Bench().ready();
  other.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  other.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096);
  set(other, MEMFD);
  ask(other, 'create');
  t.match(failure(other), { code: refusal.invalid_argument, requested: 'dma_buf' });
  t.strictSame(other.closed, [MEMFD], 'it is no memfd');

  const forgotten = withMemory();
  forgotten.request(dmabroker_params_v1, PARAMS, 'destroy');
  t.strictSame(forgotten.closed, [MEMFD], 'nobody has asked');
});

t.test('a dry run leaves it where it is', async (t) => {
  const bench = withMemory();
  bench.request(dmabroker_params_v1, PARAMS, 'test', BUFFER);
  t.strictSame(bench.closed, []);
  bench.request(dmabroker_test_v1, BUFFER, 'destroy');
  bench.close();
  t.strictSame(bench.closed, [MEMFD]);
});

t.test('violations', async (t) => {
  const cases: [string, number, (bench: Bench) => void][] = [
    ['a second memory', error.already_set, (bench) => set(bench, 501)],
    ['an import', error.planes_mismatch, (bench) => ask(bench, 'import')],
    [
      'several buffers',
      error.batch_mismatch,
      (bench) => {
        ask(bench, 'add_buffer');
        bench.request(dmabroker_params_v1, PARAMS, 'create_batch');
      },
    ],
  ];
  for (const [name, code, violate] of cases) {
    const bench = withMemory();
    violate(bench);
    t.match(errorOf(bench.events()), { object: PARAMS, code }, name);
    bench.close();
    t.ok(new Set(bench.closed).size === bench.closed.length && bench.closed.includes(MEMFD), name);
  }
});
