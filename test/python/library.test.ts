/** The Python client's own tests (clients/python/tests), with a daemon; its types are whole. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CudaDouble, NOTHING } from '../native/cuda/double.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { ServiceManager } from '../support/service-manager.js';
import { CLIENT, placesOf, python, restarted, tests } from './support.js';

t.test('with a daemon, and one that knows nothing of it when it is killed', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const all = ['wire', 'told', 'requests', 'client', 'aio', 'memory', 'reconnect'];
  const { status, said, count, skipped } = await tests(placesOf(daemon), all);
  t.equal(status, 0, said);
  t.ok(count >= 55, `${count} tests`);
  t.ok(skipped <= 1, `${skipped} are skipped: torch's`);
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'the daemon found nothing wrong with itself');

  const env = withoutVulkan;
  const { second, ...restart } = await restarted(t, 'gone', async (folder) =>
    folder === undefined ? daemon : TestDaemon.start([], { env, folder, awaited: true }),
  );
  t.equal(restart.status, 0, restart.said);
  // Which is killed in its turn.
  const vanishing = await tests(placesOf(second), ['vanishing']);
  t.equal(vanishing.status, 0, vanishing.said);
  t.equal(vanishing.count, 1);
});

t.test('with memory of two GPUs, by the double of libcuda', async (t) => {
  const uuids = [`${'5a'.repeat(15)}5b`, `${'5a'.repeat(15)}5c`];
  const [daemons, own] = [new CudaDouble(), new CudaDouble()];
  const options = { devices: 2, uuid: uuids[0] as string, total: 2 ** 24 };
  const env = { ...withoutVulkan, ...daemons.environment(options) };
  const daemon = await TestDaemon.start(['--pool-bytes', '0'], { env });
  t.teardown(() => daemon.stop('SIGKILL'));
  const { body: listed } = await daemon.rest('GET', '/v1/devices');
  t.match(
    listed,
    uuids.map((device_uuid, at) => ({
      ...{ device_uuid, name: `Double ${at}`, type: 'discrete_gpu', main: at === 0, open: false },
      ...{ driver: null, api_version: null, cuda: { total: 2 ** 24, free: null } },
      reason: /Vulkan does not have it: .*no Vulkan driver/,
      sources: [{ name: 'cuda', handle_type: 'dma_buf' }, { handle_type: 'opaque_fd' }],
    })),
    'what Vulkan does not have is listed',
  );
  const { status, said, count } = await tests(
    { ...own.environment(options), ...placesOf(daemon), DMABROKER_TEST_CUDA: uuids.join(' ') },
    ['cuda'],
  );
  t.equal(status, 0, said);
  t.equal(count, 3);
  t.same([own.live, own.complaints], [NOTHING, ''], 'nothing is left in the client');
  await daemon.stop();
  t.same([daemons.live, daemons.complaints], [NOTHING, '']);
});

t.test('with a daemon that is killed, and one that has what was kept', async (t) => {
  const manager = new ServiceManager(t);
  const start = () => manager.start([], { env: withoutVulkan });
  const { status, said } = await restarted(t, 'adopted', start);
  t.equal(status, 0, said);
});

t.test('mypy finds nothing', async (t) => {
  const { status, said } = await python(['-m', 'mypy']);
  t.equal(status, 0, said);
});

t.test('the wheel', async (t) => {
  const folder = temporaryFolder(t);
  // As pip calls it.
  const build = 'import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))';
  const { status, said } = await python(['-c', build, folder]);
  t.equal(status, 0, said);
  const wheel = said.trim();
  t.match(wheel, /^dmabroker-[\d.]+-py3-none-any\.whl$/);
  // Its own files alone, and they are enough: a wheel is a zip, which Python imports from.
  const list = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))';
  const files = (await python(['-c', list, join(folder, wheel)])).said.trim().split('\n');
  const source = readdirSync(join(CLIENT, 'src/dmabroker')).filter(
    (name) => name !== '__pycache__',
  );
  const own = files.filter((name) => name.startsWith('dmabroker/')).sort();
  t.same(own, source.map((name) => `dmabroker/${name}`).sort());
  t.ok(own.includes('dmabroker/py.typed'));
  const others = files.filter((name) => !name.startsWith('dmabroker/'));
  t.ok(
    others.every((name) => /^dmabroker-[\d.]+\.dist-info\//.test(name)),
    `${others}`,
  );
  const version =
    'import dmabroker, dmabroker.aio; print(dmabroker.__version__, dmabroker.__file__)';
  const imported = await python(['-c', version], { PYTHONPATH: join(folder, wheel) });
  t.match(imported.said, wheel, 'it is imported from the wheel');
});
