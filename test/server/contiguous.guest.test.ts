/**
 * Contiguous memory of a real region (CMA), in a guest that was booted with 64 MiB of it: one source by whichever of its nodes'
 * names, what the kernel counts of it, a camera that takes no other memory, and that it comes back whoever is killed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { info } from '../../src/native/dmabuf.js';
import { packageRoot } from '../../src/package-root.js';
import type { DeviceReport } from '../../src/rest/contract.js';
import { commandsOf } from '../docs/pages.js';
import { reference, rows, startCamera } from '../examples/support/camera.js';
import { Actor, sharedDaemon } from '../support/actor.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { nothingCharged } from '../support/recount.js';
import { rejected } from '../support/refused.js';

const MIB = 2 ** 20;
const REGION = 64 * MIB;
const NODES = '/dev/dma_heap';
const SOURCE = 'dma-heap:default_cma_region';
const SYSTEM = 'dma-heap:system';

const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
/** Why not, where it cannot be tried: in QEMU, with an older kernel. */
const skip = existsSync(join(NODES, 'default_cma_region'))
  ? false
  : `Linux ${kernel} has no default_cma_region here`;
const tried = (name: string, body: (t: Test) => Promise<void>) => t.test(name, { skip }, body);

/** As the kernel counts it: movable pages of others may lie in it, and are moved when it is wanted. */
function cmaFree(): number {
  return Number(/^CmaFree:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

async function sourceOf(daemon: TestDaemon): Promise<DeviceReport['sources'][number]> {
  const { sources } = (await daemon.rest('GET', '/v1/device')).body as DeviceReport;
  const found = sources.filter(({ contiguous }) => contiguous === 'yes');
  if (found.length !== 1 || found[0] === undefined) throw new Error(JSON.stringify(found));
  return found[0];
}

const available = async (daemon: TestDaemon): Promise<number> =>
  (await sourceOf(daemon)).region?.available ?? -1;

/** Whoever has asked thrice has spares. */
const back = (daemon: TestDaemon) =>
  eventually(
    async () => (await daemon.drained()) && (await available(daemon)) === REGION,
    'all of the region is available',
  );

const isZero = (buffer: ClientBuffer): boolean =>
  buffer.map().read((bytes) => !bytes.some((byte) => byte !== 0));

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = await daemon.idleFds();

tried('two nodes of the region are one source', async (t) => {
  t.same(readdirSync(NODES).sort(), ['default_cma_region', 'reserved', 'system']);
  t.match(await sourceOf(daemon), {
    ...{ name: SOURCE, aliases: ['dma-heap:reserved'], usable: true, contiguous: 'yes' },
    ...{ region: { size: REGION, available: REGION } },
    reason: '/dev/dma_heap/default_cma_region, and /dev/dma_heap/reserved is the same memory',
  });
  const client = await connect({ socket: daemon.clientSocket });
  const names = client.description.sources.map(({ name }) => name);
  t.equal(names.filter((name) => name.startsWith('dma-heap:')).length, 2, names.join());
  for (const source of [SOURCE, 'dma-heap:reserved'] as const) {
    const buffer = await client.allocate({ kind: 'buffer', size: MIB, source });
    t.match(buffer, { source: SOURCE, fellBack: null }, source);
    t.match(info(buffer.planes[0]?.fd ?? -1), { exporter: 'default_cma_region' });
    await buffer.close();
  }
  client.close();
  await back(daemon);
  const command = [
    join(packageRoot, 'bin/dmabrokerctl.js'),
    '--socket',
    daemon.restSocket,
    'device',
  ];
  const shown = execFileSync(process.execPath, command, { encoding: 'utf8' });
  t.match(shown, /^dma-heap:default_cma_region: +64 MiB free of 64 MiB$/m);
});

tried('one quota by either name, and a policy', async (t) => {
  const [alias, own] = ['dma-heap:reserved', SOURCE].map((name) => `/v1/quotas/source/${name}`);
  const put = await daemon.rest('PUT', `${alias}`, { bytes: 16 * MIB });
  t.match(put, { status: 200, body: { key: SOURCE } });
  const shown = async (path = '') => (await daemon.rest('GET', path)).body.settings.bytes.value;
  t.same([await shown(alias), await shown(own)], [16 * MIB, 16 * MIB]);
  const client = await connect({ socket: daemon.clientSocket });
  const want = (source: string, size: number) => client.allocate({ kind: 'buffer', size, source });
  const first = await want('dma-heap:reserved', 8 * MIB);
  for (const source of [SOURCE, 'dma-heap:reserved'])
    t.match(await rejected(want(source, 9 * MIB)), {
      code: 'limit_exceeded',
      refusal: { quota: { scope: 'source', key: SOURCE } },
    });
  t.match(await daemon.rest('GET', `${own}`), { body: { charge: { bytes: 8 * MIB, buffers: 1 } } });
  t.match(await daemon.rest('DELETE', `${alias}`), { status: 200 });
  const second = await want(SOURCE, 9 * MIB);
  await first.close();
  await second.close();
  client.close();
  await back(daemon);

  const shared = await sharedDaemon(t, {
    toml: `[quotas.sources."dma-heap:reserved"]\nbytes = "20M"\n[[policy.rules]]\nsources = ["dma-heap:reserved"]\n`,
  });
  const actor = await Actor.connected(t, shared, 'alice');
  const lifetime = 'connection' as const;
  await actor.tell({ what: 'allocate', size: MIB, source: SOURCE, lifetime });
  t.match(await shared.rest('GET', `${own}`), {
    body: { settings: { bytes: { value: 20 * MIB } } },
  });
  await t.rejects(actor.tell({ what: 'allocate', size: MIB, source: SYSTEM, lifetime }), {
    code: 'permission_denied',
  });
  await actor.end('kill');
  t.equal(await shared.stop(), 0);
  await back(daemon);
});

tried('memory of it, until it has run out: required, preferred, zeroed', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const free = cmaFree();
  const want = (mib: number, contiguous: 'required' | 'preferred', source?: string) =>
    client.allocate({ kind: 'buffer', size: mib * MIB, contiguous, ...(source && { source }) });
  const used = await want(40, 'required');
  t.match(used, { source: SOURCE, fellBack: null });
  t.equal(await available(daemon), REGION - 40 * MIB);
  t.ok(free - cmaFree() >= 32 * MIB, `CmaFree was ${free} and is ${cmaFree()}`);
  t.ok(isZero(used));
  used.map().write((bytes) => bytes.fill(0xa5));
  await used.close();
  await back(daemon);
  // 16 MiB of it at least are the same pages.
  const again = await want(40, 'preferred');
  t.match(again, { source: SOURCE, fellBack: null });
  t.ok(isZero(again), 'zeroed again');

  const refusal = await rejected(want(25, 'required'));
  const rest = `of its ${REGION} bytes ${24 * MIB} are free`;
  const words = `${SOURCE} has no ${25 * MIB} bytes: ${rest}`;
  t.match(refusal, { code: 'out_of_memory', message: words });
  t.match(await rejected(want(25, 'preferred', 'dma-heap:reserved')), { code: 'out_of_memory' });
  const elsewhere = await want(25, 'preferred');
  t.match(elsewhere, {
    source: SYSTEM,
    fellBack: { reason: 'out_of_memory', source: SOURCE, message: words },
  });
  const both = [SOURCE, SYSTEM].map((source) => `/v1/quotas/source/${source}`);
  const charged = both.map(async (path) => (await daemon.rest('GET', path)).body.charge.bytes);
  t.same(await Promise.all(charged), [40 * MIB, 25 * MIB], 'charged as what they are');
  await again.close();
  await elsewhere.close();
  client.close();
  await back(daemon);
  t.ok(free - cmaFree() < 16 * MIB, `CmaFree was ${free} and is ${cmaFree()}`);
  await nothingCharged(daemon);
});

/** Runs the example until the frame is there; what it says where it fails. */
async function captured(t: Test, options: string[], look: (image: ClientBuffer) => void) {
  const program = join(packageRoot, 'examples/v4l2/build/dmabroker-v4l2');
  const child = spawn(program, ['--socket', daemon.clientSocket, ...options, 'capture']);
  const exit = once(child, 'exit');
  t.teardown(() => child.kill());
  const said = text(child.stderr);
  const first = once(createInterface({ input: child.stdout }), 'line');
  const token = await Promise.race([first.then(([line]) => String(line)), exit.then(() => null)]);
  if (token !== null) {
    const client = await connect({ socket: daemon.clientSocket });
    const image = await client.redeem(token);
    look(image);
    await image.close();
    client.close();
  }
  child.stdin.end();
  await exit;
  return said;
}

tried('a camera that takes contiguous memory alone (vivid, dma-contig)', async (t) => {
  const [script = ''] = commandsOf(
    'docs/displays-and-codecs.md',
    'a-camera-that-wants-contiguous-memory',
  );
  const [load = '', shown = ''] = script.split('\n');
  const camera = startCamera(t, load);
  t.equal(
    shown,
    'dmabroker-v4l2 --device /dev/video0 --size 500x300 --format NV12 --contiguous required capture',
  );
  const [width, height] = [500, 300];
  const frame = ['--device', camera, '--size', `${width}x${height}`];
  for (const format of ['XR24', 'NV12']) {
    const expected = reference(t, { camera, width, height, format });
    const here = [...frame, '--format', format];
    for (const how of [
      ['--contiguous', 'required'],
      ['--source', 'dma-heap:reserved'],
    ]) {
      let seen: Buffer | null = null;
      const said = await captured(t, [...here, ...how], (image) => {
        t.equal(image.source, SOURCE);
        seen = rows(image, { width, height });
      });
      t.ok(
        expected.equals(seen ?? Buffer.alloc(0)),
        `${format} ${how}: as v4l2-ctl has it; ${said}`,
      );
    }
  }

  // Pieces of the size that the heap takes, none beside another: what it makes of them is in pieces, too.
  const client = await connect({ socket: daemon.clientSocket });
  const pieces: ClientBuffer[] = [];
  for (let i = 0; i < 256; i++)
    pieces.push(await client.allocate({ kind: 'buffer', size: 65536, source: SYSTEM }));
  for (const [i, piece] of pieces.entries()) if (i % 2 === 0) await piece.close();
  const said = await captured(t, [...frame, '--source', SYSTEM], () => t.fail('it was taken'));
  t.match(said, /VIDIOC_QBUF: Bad address/, 'memory of the system heap');
  for (const [i, piece] of pieces.entries()) if (i % 2 === 1) await piece.close();
  client.close();
  await daemon.settled(before);
  await back(daemon);
});

tried('it comes back whoever is killed', async (t) => {
  const actor = await Actor.connected(t, daemon);
  const lifetime = 'connection' as const;
  for (const source of [SOURCE, 'dma-heap:reserved']) {
    const got = { what: 'allocate', size: 16 * MIB, source, lifetime } as const;
    await actor.tell(got);
  }
  t.equal(await available(daemon), REGION - 32 * MIB);
  await actor.end('kill');
  await back(daemon);
  await nothingCharged(daemon);
  await daemon.settled(before);

  const victim = await TestDaemon.start();
  t.teardown(() => victim.stop('SIGKILL'));
  const client = await connect({ socket: victim.clientSocket });
  const held = await client.allocate({ kind: 'buffer', size: 32 * MIB, source: SOURCE });
  const other = await client.allocate({ kind: 'buffer', size: 8 * MIB, source: SOURCE });
  await victim.stop('SIGKILL');
  t.ok(isZero(held), 'it is the client’s still');
  t.equal(await available(daemon), REGION - 40 * MIB);
  const next = await connect({ socket: daemon.clientSocket });
  const refused = next.allocate({ kind: 'buffer', size: 32 * MIB, contiguous: 'required' });
  t.match(await rejected(refused), { code: 'out_of_memory' }, 'nor is it another daemon’s');
  next.close();
  for (const buffer of [held, other]) await buffer.close();
  client.close();
  await back(daemon);
});

tried('a full region is there, for when it has room again', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const all = await client.allocate({ kind: 'buffer', size: REGION, source: SOURCE });
  const late = await TestDaemon.start();
  t.teardown(() => late.stop());
  t.match(await sourceOf(late), { name: SOURCE, aliases: ['dma-heap:reserved'], usable: true });
  await all.close();
  client.close();
  await back(late);
  const other = await connect({ socket: late.clientSocket });
  const buffer = await other.allocate({ kind: 'buffer', size: MIB, source: 'dma-heap:reserved' });
  t.equal(buffer.source, SOURCE);
  await buffer.close();
  other.close();
  t.equal(await late.stop(), 0);
});

tried('nothing stays behind', async (t) => {
  await daemon.settled(before);
  await back(daemon);
  t.strictSame(daemon.errors, [], 'no error');
});
