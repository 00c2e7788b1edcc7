/** The metrics: a text that Prometheus can parse, with what was counted, documented and shown. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import type { Allocation } from '../../../src/memory/source.js';
import { Metrics } from '../../../src/server/http/metrics.js';
import { holdings } from '../../../src/server/lists/holdings.js';
import { leakReport } from '../../../src/server/observe/leaks/report.js';
import { Measures } from '../../../src/server/plane/measures.js';
import { bufferView } from '../../../src/server/plane/views.js';
import { MAX_LABELS, type PlaneMetrics, TIME_BOUNDS } from '../../../src/server/words/metrics.js';
import { peer, request } from '../../broker/support/world.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';
import { Bench, FREE } from '../wayland/support/bench.js';
import { conforms } from './support/conforms.js';
import { NOTHING_COUNTED } from './support/fake-daemon.js';
import { openDevice, otherDevice } from './support/fake-devices.js';
import { root } from './support/root.js';
import { startServer } from './support/server.js';

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** The text format, 0.0.4: HELP and TYPE before the samples of a metric, one sample a line. */
function parse(text: string): { samples: Sample[]; types: Map<string, string> } {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE ([a-z_][a-z0-9_]*) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      types.set(type[1] ?? '', type[2] ?? '');
      continue;
    }
    const sample =
      /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+|\+Inf|Na[Nn])$/.exec(
        line,
      );
    if (sample === null) throw new Error(`no sample: ${line}`);
    samples.push({ name: sample[1] ?? '', labels: sample[2] ?? '', value: Number(sample[3]) });
  }
  return { samples, types };
}

const counts = TIME_BOUNDS.map(() => 1);
const COUNTED = {
  ...NOTHING_COUNTED,
  allocations: [
    { source: 'memfd', result: 'ok', count: 3 },
    { source: 'dma-heap:system', result: 'out_of_memory', count: 1 },
  ],
  refusals: { out_of_memory: 1 },
  turns: { counts: [...counts, 2], sum: 30.5 },
  allocationTimes: { memfd: { counts: [...counts, 0], sum: 0.5 } },
  clients: 4,
  pendingAllocations: 5,
  queuedBytes: 6,
  unprovenBytes: 65_536,
  kept: { fds: 50, keeperFds: 53, waiting: 51, unkept: 52 },
  pool: { hits: 8, misses: 9, bytes: 8192, spares: 2 },
  clientFds: { used: 10, limit: 11 },
  protocolObjects: { used: 12, limit: 13 },
  quotas: [
    {
      scope: 'user',
      key: '1000',
      used: { bytes: 20, buffers: 21, fds: 22, pending: 23 },
      limits: { bytes: 30, buffers: null, fds: 32, pending: 33, allocationsPerSecond: 34 },
    },
    {
      scope: 'user',
      key: 'default',
      used: null,
      limits: { bytes: 40, buffers: 41, fds: 42, pending: 43, allocationsPerSecond: 44 },
    },
  ],
} satisfies PlaneMetrics;

const HELD = {
  users: [{ state: 'live', label: '1000', buffers: 2, bytes: 8192 }],
  units: [{ state: 'live', label: 'a"b\\.service', buffers: 1, bytes: 4096 }],
};

const NO_LEAKS = leakReport(
  { forgottenAfterSeconds: 3600, sampleSeconds: 60 },
  {
    buffers: [],
    growing: [],
    sweep: null,
    clock: new FakeClock(),
  },
);

await withoutLeaks(t, 'metrics', async (t) => {
  t.test('what was counted is shown, over HTTP', async (t) => {
    const server = await startServer(t);
    const { daemon } = server;
    daemon.starts = 7;
    const [heap] = openDevice.opened?.heaps ?? [];
    if (heap === undefined) throw new Error('no heap');
    const told = { ...heap, index: 1, budget: 5000, usage: 4000 };
    const opened = { ...openDevice, opened: { ...openDevice, heaps: [heap, told] } as never };
    const memory = { total: 8000, free: null, allocated: 3000 };
    const cuda = {
      ...memory,
      uuid: openDevice.deviceUuid,
      losses: 0,
      lastLostAt: null,
      lastRelease: null,
    };
    daemon.has([{ ...opened, cuda }, otherDevice]);
    daemon.dictated.metrics = () => COUNTED;
    const client = daemon.connect({ ...peer, unit: 'a"b\\.service' });
    const made = [client, daemon.connect(peer)].map((owner) => {
      let id = '';
      daemon.broker.allocate({ client: owner, peer: owner.peer }, request(), (result) => {
        if (!('error' in result)) id = result.id;
      });
      return daemon.broker.get(id);
    });
    daemon.failure = new BrokerError('unavailable', 'once');
    conforms(t, 'GET', '/metrics', await server.request('GET', '/metrics'));
    const { user, system } = process.cpuUsage();
    const answer = await server.request('GET', '/metrics');
    conforms(t, 'GET', '/metrics', answer);
    const { samples, types } = parse(answer.text);
    const value = (name: string, labels = '') =>
      samples.find((each) => each.name === name && each.labels === labels)?.value;
    t.equal(value('dmabroker_allocations_total', 'source="memfd",result="ok"'), 3);
    t.equal(value('dmabroker_refusals_total', 'code="out_of_memory"'), 1);
    t.equal(value('dmabroker_rest_problems_total', 'code="unavailable"'), 1);
    t.equal(value('dmabroker_buffer_bytes', 'state="live",uid="1000"'), 8192);
    t.equal(value('dmabroker_unit_buffers', 'state="live",unit="a\\"b\\\\.service"'), 1);
    t.equal(value('dmabroker_clients'), 4);
    t.equal(value('dmabroker_pending_allocations'), 5);
    t.equal(value('dmabroker_client_queued_bytes'), 6);
    t.equal(value('dmabroker_unproven_bytes'), 65_536);
    t.equal(value('dmabroker_pool_hits_total'), 8);
    t.equal(value('dmabroker_pool_misses_total'), 9);
    t.equal(value('dmabroker_pool_bytes'), 8192);
    t.equal(value('dmabroker_pool_spares'), 2);
    t.equal(value('dmabroker_stored_fds'), 50);
    t.equal(value('dmabroker_keeper_fds'), 53);
    t.equal(value('dmabroker_stored_fds_waiting'), 51);
    t.equal(value('dmabroker_unkept_buffers'), 52);
    t.equal(value('dmabroker_starts'), 7);
    t.equal(value('dmabroker_client_fds'), 10);
    t.equal(value('dmabroker_client_fds_limit'), 11);
    t.equal(value('dmabroker_protocol_objects'), 12);
    t.equal(value('dmabroker_protocol_objects_limit'), 13);
    const quota = (name: string, key: string) =>
      value(`dmabroker_quota_${name}`, `scope="user",key="${key}"`);
    const dimensions = ['bytes', 'buffers', 'fds', 'pending'];
    const all = (of: string, key: string) => dimensions.map((each) => quota(`${of}_${each}`, key));
    t.same(all('used', '1000'), [20, 21, 22, 23]);
    t.same(all('limit', '1000'), [30, undefined, 32, 33], 'no limit is not shown');
    t.same(all('used', 'default'), [undefined, undefined, undefined, undefined]);
    t.same(all('limit', 'default'), [40, 41, 42, 43]);
    t.equal(quota('limit_allocations_per_second', '1000'), 34);
    const { deviceUuid: uuid } = openDevice;
    const ofHeap = (what: string, index: number) =>
      value(`dmabroker_vulkan_heap_${what}_bytes`, `device="${uuid}",heap="${index}"`);
    t.equal(ofHeap('size', 0), heap.size);
    t.equal(ofHeap('budget', 0), undefined, 'the driver does not say');
    t.equal(ofHeap('budget', 1), 5000);
    t.equal(ofHeap('usage', 1), 4000);
    const ofCuda = (what: string) =>
      value(`dmabroker_cuda_memory_${what}_bytes`, `device="${uuid}"`);
    t.same(['size', 'free', 'allocated'].map(ofCuda), [8000, undefined, 3000]);
    t.notMatch(answer.text, otherDevice.deviceUuid, 'it is not open');
    t.equal(value('dmabroker_ready'), 1);
    t.equal(value('dmabroker_state_stored'), 1);
    const { node } = process.versions;
    t.equal(
      value('dmabroker_build_info', `version="0.0.0",node="${node}",arch="${process.arch}"`),
      1,
    );
    t.ok((value('process_open_fds') ?? 0) > 0);
    t.ok((value('process_cpu_user_seconds_total') ?? 0) >= user / 1e6, 'since it was started');
    t.ok((value('process_cpu_seconds_total') ?? 0) >= (user + system) / 1e6);
    t.type(value('nodejs_eventloop_lag_p99_seconds'), 'number');
    t.equal(types.get('dmabroker_turn_seconds'), 'histogram');
    const buckets = samples.filter(({ name }) => name === 'dmabroker_turn_seconds_bucket');
    t.same(
      buckets.map((bucket) => bucket.value),
      [...counts.map((_, index) => index + 1), counts.length + 2],
      'buckets are cumulative',
    );
    t.equal(buckets.at(-1)?.labels, 'le="+Inf"');
    t.equal(value('dmabroker_turn_seconds_count'), counts.length + 2);
    t.equal(value('dmabroker_turn_seconds_sum'), 30.5);
    for (const buffer of made) daemon.broker.release(buffer, 'administrator');
    daemon.dictated.metrics = () => NOTHING_COUNTED;
    daemon.audit.held = true;
    Object.assign(daemon.state, { problem: 'the file system is read-only' });
    const { text } = await server.request('GET', '/metrics');
    t.notMatch(text, /(uid|key)="1000"/, 'what is gone is not shown any more');
    t.match(text, /^dmabroker_ready 0$/m);
    t.match(text, /^dmabroker_state_stored 0$/m);
  });

  t.test('the dashboard, the rules and the page name what there is', async (t) => {
    const metrics = new Metrics();
    const text = await metrics.text(
      { ...COUNTED, ...HELD },
      {
        eventReaders: 0,
        starts: 1,
        leaks: NO_LEAKS,
        lost: new Map([['uid 1001', 3]]),
        ready: true,
        stored: true,
        heaps: [],
        cuda: [],
        version: '0.0.0',
      },
    );
    const { types } = parse(text);
    const dashboard = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8');
    const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
    const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
    const names = panels
      .flatMap(({ targets }) => targets.map(({ expr }) => expr))
      .flatMap((expr) => expr.match(/\b(?:dmabroker|process|nodejs)_[a-z0-9_]+/g) ?? []);
    t.ok(names.length > 10);
    const rules = readFileSync(join(root, 'docs/prometheus-rules.yml'), 'utf8');
    const elsewhere = [page, rules].flatMap(
      (each) => each.match(/\b(dmabroker|process)_[a-z0-9_]+\b/g) ?? [],
    );
    for (const name of new Set([...names, ...elsewhere])) {
      if (name.endsWith('_')) continue; // `process_*`
      const base = name.replace(/_(bucket|sum|count)$/, '');
      t.ok(types.has(name) || types.get(base) === 'histogram', name);
    }
    for (const name of types.keys()) {
      if (!name.startsWith('dmabroker_')) continue;
      t.match(page, `\`${name}\``, `${name} is in docs/metrics.md`);
      t.ok(
        names.some((each) => each.startsWith(name)),
        `${name} is in the dashboard`,
      );
    }
  });
});

t.test('allocations, refusals and times are counted', async (t) => {
  const clock = new FakeClock();
  const measures = new Measures(clock);
  const results: object[] = [];
  const done = measures.allocating('memfd', (result) => results.push(result));
  measures.turn(clock.now(), clock.now());
  t.equal(measures.counted.pendingAllocations, 1);
  clock.pass(2);
  done({} as Allocation);
  measures.allocating('udmabuf', () => {})({ error: new BrokerError('out_of_memory', '') });
  measures.refused('not_found');
  measures.refused('not_found');
  clock.pass(19_998);
  measures.turn(clock.now(), clock.now());
  const { allocations, refusals, turns, allocationTimes, pendingAllocations } = measures.counted;
  t.equal(pendingAllocations, 0);
  t.equal(results.length, 1);
  t.same(allocations, [
    { source: 'memfd', result: 'ok', count: 1 },
    { source: 'udmabuf', result: 'out_of_memory', count: 1 },
  ]);
  t.same(refusals, { not_found: 2 });
  t.equal(turns.counts.at(-1), 1, 'above all bounds');
  t.equal(turns.sum, 20);
  t.equal(allocationTimes.memfd?.counts[TIME_BOUNDS.indexOf(0.002_5)], 1);
});

t.test('labels are bounded: those with most bytes, and others', async (t) => {
  const bench = new Bench().ready();
  for (let i = 0; i < MAX_LABELS + 5; i++) bench.allocate(FREE + i, 'until_released');
  let next = 0;
  const views = [...bench.broker.buffers].map((buffer) => bufferView(bench.broker, buffer));
  const found = holdings(views, () => `u${next++}`);
  t.equal(found.length, MAX_LABELS + 1);
  t.match(found.at(-1), { label: 'other', buffers: 5, bytes: 5 * 4096 });
});
