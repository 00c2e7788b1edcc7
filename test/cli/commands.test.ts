/** Each command against the real REST server: text for people, JSON for programs. */
import t from 'tap';
import { Policy } from '../../src/broker/policy.js';
import type { BufferInfo, CreatedBuffer, PoolInfo } from '../../src/rest/contract.js';
import { listedDeviceView } from '../../src/server/lists/inventory-views.js';
import { memfd, offers, peer, request } from '../broker/support/world.js';
import { FakeDaemon } from '../server/http/support/fake-daemon.js';
import { lostDevice, openDevice, otherDevice } from '../server/http/support/fake-devices.js';
import { type Running, startServer } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl, type Run } from './support/again.js';
import { userName, userOf } from './support/ctl.js';

const MEMFD = ['--handle-type', 'memfd'];

await withoutLeaks(t, 'commands', async (t) => {
  const run = (server: Running, ...args: string[]): Promise<Run> =>
    ctl(['--socket', server.socketPath, ...args]);

  t.test('alloc, list, show, release', async (t) => {
    const server = await startServer(t);
    const image = ['--image', '1366x768', '--format', 'XR24', '--name', 'preview', '--uses', '2'];
    const made = await run(server, 'alloc', ...image, ...MEMFD);
    t.equal(made.status, 0, made.stderr);
    const [buffer] = server.daemon.buffers;
    if (buffer === undefined) throw new Error('nothing was allocated');
    t.match(buffer, { name: 'preview', width: 1366, height: 768, format: 'XR24' });
    t.match(made.stdout, /^token: +[a-z2-7]{26}$/m);
    t.match(made.stdout, /^uses: +2$/m);

    const listed = await run(server, 'list');
    t.equal(listed.status, 0);
    const [head = '', row = '', end] = listed.stdout.split('\n');
    t.match(head, /^NAME +ID +SIZE +STATE +OWNER +AGE +CONTENTS +RECIPIENTS +HANDLE +UNIT$/);
    t.match(row, /^preview +\S+ +4\.0 MiB +live +- +\d s +image 1366x768 XR24 +0 +memfd +-$/);
    t.equal(end, '');
    t.notMatch(listed.stdout, '\u001b', 'no colours in a pipe');

    const shown = await run(server, 'show', buffer.id);
    t.match(shown.stdout, /^size: +4\.0 MiB \(4196352 bytes\)$/m);
    t.match(shown.stdout, 'nobody was handed it');

    const released = await run(server, 'release', buffer.id);
    t.equal(released.stdout, `released ${buffer.id}\n`);
    t.equal(server.daemon.buffers.length, 0);
    t.equal((await run(server, 'list')).stdout, 'no buffers\n');
  });

  t.test('alloc passes on what it is given', async (t) => {
    const server = await startServer(t);
    const sizes: [string, number][] = [
      ['4096', 4096],
      ['64K', 65_536],
      ['2M', 2_097_152],
      ['1G', 2 ** 30],
    ];
    for (const [text, size] of sizes) {
      const made = await run(server, '--json', 'alloc', '--size', text, ...MEMFD);
      t.equal((JSON.parse(made.stdout) as CreatedBuffer).buffer.size, size, text);
    }
    const usage = ['--usage', 'sample,render', '--usage', 'cpu_read'];
    const token = ['--seconds', '60', '--uid', '1000'];
    const made = await run(server, 'alloc', '--json', '--size', '1', ...usage, ...token, ...MEMFD);
    t.equal(made.status, 0, made.stderr);
    const created = JSON.parse(made.stdout) as CreatedBuffer;
    t.ok(Date.parse(created.token.expires_at ?? '') > Date.now());
  });

  t.test('--json prints what the daemon answered, before or after the command', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1');
    const [buffer] = server.daemon.buffers;
    const id = buffer?.id ?? '';
    t.same(JSON.parse((await run(server, '--json', 'list')).stdout), [buffer]);
    t.same(JSON.parse((await run(server, 'list', '--json')).stdout), [buffer]);
    t.same(JSON.parse((await run(server, 'show', id, '--json')).stdout), buffer);
    t.same(JSON.parse((await run(server, 'clients', '--json')).stdout), []);
    t.match(JSON.parse((await run(server, 'health', '--json')).stdout), { status: 'ok' });
    const report = { device: null, sources: [{ name: 'vulkan' }, { name: 'memfd' }] };
    t.match(JSON.parse((await run(server, 'device', '--json')).stdout), report);
    t.match(JSON.parse((await run(server, 'formats', '--json')).stdout), [{ format: 'AR24' }, {}]);
    t.same(JSON.parse((await run(server, 'release', id, '--json')).stdout), { released: id });
  });

  t.test('a lease', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1', '--lease', '60', ...MEMFD);
    const [{ id } = { id: '' }] = server.daemon.buffers;
    t.match((await run(server, 'show', id)).stdout, /^lifetime: +lease until \d{4}-.*Z$/m);
    const extended = await run(server, 'extend', id.slice(0, 9), '--for', '2min');
    t.match(extended.stdout, new RegExp(`^extended ${id} until \\d{4}-.*Z$`, 'm'));
    t.match(server.daemon.buffers, [{ lifetime: { seconds: 120 } }]);
  });

  t.test('a recall', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1', ...MEMFD);
    const [{ id } = { id: '' }] = server.daemon.buffers;
    t.match((await run(server, 'show', id)).stdout, /^recalled: +-$/m);
    const recalled = await run(server, 'recall', id, '--for', '120');
    t.match(recalled.stdout, new RegExp(`^recalled ${id} until \\d{4}-.*Z$`, 'm'));
    t.match((await run(server, 'show', id)).stdout, /^recalled: +until .*: administrator$/m);
  });

  t.test('pool', async (t) => {
    const server = await startServer(t);
    t.match((await run(server, 'pool')).stdout, /^nothing is asked for often$/m);
    const spec = {
      source: 'vulkan',
      handle_type: 'dma_buf' as const,
      device: null,
      placement: 'any' as const,
      spares: 2,
      hits: 5,
      last_asked_at: new Date(Date.now() - 60_000).toISOString(),
    };
    const pool: PoolInfo = {
      limits: { spares_per_spec: 3, idle_seconds: 30 },
      memories: [
        { device: null, limit: 1 << 28, bytes: 16_719_872 },
        { device: '0f'.repeat(16), limit: 2 ** 31, bytes: 2 ** 30 },
      ],
      bytes: 16_719_872,
      spares: 4,
      hits: 7,
      misses: 3,
      specs: [
        {
          ...spec,
          kind: 'image',
          size: null,
          width: 1920,
          height: 1080,
          format: 'XR24',
          modifiers: ['0x0000000000000000'],
          usage: ['render', 'sample'],
          spare_bytes: 8_355_840,
        },
        {
          ...spec,
          kind: 'buffer',
          size: 4096,
          width: null,
          height: null,
          format: null,
          modifiers: [],
          usage: ['transfer'],
          spare_bytes: 4096,
        },
      ],
    };
    server.daemon.dictated.getPool = () => pool;
    const { stdout } = await run(server, 'pool');
    t.match(stdout, /^spares: +4, 15.9 MiB$/m);
    t.match(stdout, /^the machine's memory: +15.9 MiB of at most 256 MiB$/m);
    t.match(stdout, /^(0f){16}: +1 GiB of at most 2 GiB$/m);
    t.match(stdout, /^allocations: +7 from the pool, 3 not$/m);
    t.match(
      stdout,
      /^vulkan +dma_buf +image 1920x1080 XR24 +render sample +2 +8.0 MiB +5 +\d+ s$/m,
    );
    t.match(stdout, /^vulkan +dma_buf +buffer of 4 KiB +transfer +2 +4 KiB +5 +\d+ s$/m);
    t.same(JSON.parse((await run(server, 'pool', '--json')).stdout), pool);
    server.daemon.dictated.drainPool = () => ({ spares: 4, bytes: 16_719_872 });
    t.equal((await run(server, 'pool', '--drain')).stdout, 'freed 4 spares, 15.9 MiB\n');
    delete server.daemon.dictated.drainPool;
    const drained = await run(server, 'pool', '--drain', '--json');
    t.same(JSON.parse(drained.stdout), { spares: 0, bytes: 0 });
  });

  t.test('leaks', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '4096', ...MEMFD);
    const [buffer] = server.daemon.buffers;
    if (buffer === undefined) throw new Error('there is no buffer');
    const { id } = buffer;
    const { daemon } = server;
    const released_at = new Date(daemon.clock.today - 600_000).toISOString();
    await daemon.lists({ ...buffer, name: 'old', state: 'lingering', released_at });
    daemon.grows({ pid: 7, uid: 0, executable: 'hoarder' }, 3, 9);
    const { stdout } = await run(server, 'leaks');
    t.match(stdout, /^forgotten: .* 60 min: 0, 0 B$\nnone$/m);
    t.match(stdout, /^growing: 1 processes$/m);
    t.match(stdout, /^hoarder \(pid 7, root\) +- +3 → 9 /m);
    t.match(stdout, new RegExp(`^old +${id} +4 KiB +lingering .* 10 min$`, 'm'));
    const report = { lingering: { count: 1, bytes: 4096, buffers: [{ id, name: 'old' }] } };
    t.match(JSON.parse((await run(server, 'leaks', '--json')).stdout), report);
  });

  t.test('share, tokens, revoke', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1', ...MEMFD);
    const [{ id } = { id: '' }] = server.daemon.buffers;
    await run(server, 'revoke', id, 't1');
    t.equal((await run(server, 'tokens', id)).stdout, 'no tokens\n');
    const terms = ['--uses', '2', '--uid', '7', '--seconds', '60', '--renew'];
    const shared = await run(server, 'share', id, ...terms);
    t.match(shared.stdout, /^id: +t2$/m);
    t.match(shared.stdout, /^token: +[a-z2-7]{26}$/m);
    t.match(
      (await run(server, 'tokens', id)).stdout,
      new RegExp(`^t2 +2 +${userName(7)} +yes +\\d{4}-\\S+Z +\\d+ s$`, 'm'),
    );
    await run(server, 'share', id, '--uid', 'root');
    t.match((await run(server, 'tokens', id)).stdout, /^t3 +\S+ +root +no /m);
    t.equal((await run(server, 'revoke', id, 't2')).stdout, 'revoked t2\n');
    t.equal((await run(server, 'revoke', id, 't2')).status, 1, 'it is gone');
  });

  t.test('reissue says what there is now', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1', ...MEMFD);
    const [buffer] = server.daemon.buffers;
    if (buffer === undefined) throw new Error('nothing was allocated');
    const { broker } = server.daemon;
    const { key } = broker.get(buffer.id).allocation;
    broker.deviceLost([{ source: 'memfd', handleType: 'memfd', key }]);
    t.match((await run(server, 'list')).stdout, new RegExp(`^- +${buffer.id} .* lost +`, 'm'));
    t.match(await run(server, 'reissue', buffer.id), {
      status: 0,
      stdout: `re-issued ${buffer.id}: generation 2\n`,
    });
    t.match(await run(server, 'reissue', buffer.id), {
      status: 0,
      stdout: `${buffer.id} is live: there was nothing to do\n`,
    });
    const again = await run(server, 'reissue', buffer.id, '--json');
    t.match(JSON.parse(again.stdout), { id: buffer.id, state: 'live', generation: 2 });
    t.equal((await run(server, 'reissue', 'nope')).status, 1, 'refused');
  });

  t.test('devices, and memory of one of them', async (t) => {
    const { deviceUuid: uuid, name } = otherDevice;
    const opened = { uuid, name, table: { sources: [memfd], offers }, problem: null };
    const server = await startServer(t, { daemon: new FakeDaemon([opened]) });
    t.equal((await run(server, 'devices')).stdout, 'no Vulkan devices\n');
    server.daemon.has([openDevice, otherDevice]);
    const { stdout } = await run(server, 'devices');
    t.match(stdout, /^[0-9a-f]{32} +llvmpipe .* cpu +llvmpipe +- +yes +yes +dma_buf$/m);
    t.match(stdout, /^f{32} +Second .* +226:129 +no +no +-$/m);
    const listed = server.daemon.devices.map((each) => listedDeviceView(each));
    t.same(JSON.parse((await run(server, 'devices', '--json')).stdout), listed);

    const alloc = (device: string) =>
      run(server, 'alloc', '--size', '4096', ...MEMFD, '--device', device);
    for (const name of [
      'second',
      'ffffff',
      'F'.repeat(32),
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ]) {
      t.equal((await alloc(name)).status, 0, name);
      const { parameters } = server.daemon.asked.at(-1) ?? {};
      t.match(parameters, { device: otherDevice.deviceUuid });
    }
    t.match(await alloc('third'), { status: 2, stderr: /no device is "third"; there are: llvm/ });
    t.match(await alloc('e'), { status: 2, stderr: /several devices are "e"/ });
  });

  t.test('whoami', async (t) => {
    const group = { uids: [], gids: [peer.gid] };
    const nobody = { uids: [], gids: [] };
    const policy = new Policy({
      ...{ connect: group, admin: nobody, operator: nobody, preview: nobody, owner: group },
      reader: nobody,
      rules: [{ who: null, sources: ['memfd'] }],
      groupNames: new Map([[peer.gid, 'video']]),
    });
    const accessOf = () => policy.restAccess(peer);
    const server = await startServer(t, { peerOf: () => peer, accessOf });
    server.daemon.policy = () => policy;
    const { stdout } = await run(server, 'whoami');
    t.match(
      stdout,
      new RegExp(`^user: +(${peer.uid}|${userName(peer.uid)} \\(${peer.uid}\\))$`, 'm'),
    );
    t.match(stdout, /^role: +none$/m);
    t.match(stdout, /^owner through: +group video$/m);
    t.match(stdout, /^sources: +rule 0: \["memfd"\]$/m);
  });

  t.test('device, formats, clients, health', async (t) => {
    const server = await startServer(t);
    const none = await run(server, 'device');
    t.match(none.stdout, /^device: +none: there is no device$/m);
    t.match(none.stdout, /^vulkan +dma_buf +unknown +no +there is no device$/m);
    server.daemon.has([], lostDevice);
    const some = await run(server, 'device');
    t.match(some.stdout, /^device: +llvmpipe \(LLVM 19.1.7, 256 bits\) \(cpu\)$/m);
    t.match(some.stdout, /^drm primary: +-$/m);
    t.match(some.stdout, /^lost: +2 times, last 2026-11-20T08:15:30.123Z$/m);
    t.match(some.stdout, /^drm render: +226:128$/m);
    t.match(some.stdout, /^cuda memory: +4 GiB free of 8 GiB, 2 MiB allocated here$/m);
    t.match(some.stdout, /^0 +4 GiB +yes +- +0 B$/m);

    t.match(
      (await run(server, 'formats')).stdout,
      /^XR24 +0x0{16} +LINEAR +1 +memfd +memfd +layout$/m,
    );
    t.equal((await run(server, 'clients')).stdout, 'no clients\n');
    const { daemon } = server;
    daemon.memory.clock.setDate(-3_600_000 * 5);
    const weston = { ...peer, pid: 712, executable: 'weston', unit: 'weston.service' };
    const client = daemon.connect(weston);
    for (const size of [8_355_840 - 4096, 4096]) {
      const owner = { client, peer: client.peer };
      const spec = { kind: 'buffer', size, usage: 4 } as const;
      daemon.broker.allocate(owner, request({ spec }), () => {});
    }
    for (const buffer of client.owned) daemon.broker.sharing.handedOut(buffer, client);
    const clients = await run(server, 'clients');
    t.match(
      clients.stdout,
      new RegExp(
        `^c1 +weston \\(pid 712, ${userOf(1000)}\\) +weston.service +2 +8.0 MiB +2 +5 h$`,
        'm',
      ),
    );
    t.match((await run(server, 'health')).stdout, /^warning: +no dma_buf can be exported/m);
  });

  t.test('names and paths of others cannot write to the terminal', async (t) => {
    const server = await startServer(t);
    await run(server, 'alloc', '--size', '1', ...MEMFD);
    const [buffer] = server.daemon.buffers;
    const evil = '\u001b]0;title\u0007\u001b[2J\u202eevil\nline';
    const owner = { client: 'c1', ...peer, groups: [], executable: `/tmp/${evil}` };
    const shown = { ...(buffer as BufferInfo), name: evil, owner };
    await server.daemon.lists(shown);
    server.daemon.dictated.getBuffer = () => shown;
    for (const args of [['list'], ['show', buffer?.id ?? '']]) {
      const { stdout } = await run(server, ...args);
      t.notMatch(stdout, /[^\P{Cc}\n]|\u202e/u);
      t.match(stdout, 'evil\\u{a}line');
    }
  });

  t.test('the socket of the environment is used, and --socket before it', async (t) => {
    const server = await startServer(t);
    const env = { DMABROKER_REST_SOCKET: server.socketPath };
    t.equal((await ctl(['health'], env)).status, 0);
    const wrong = { DMABROKER_REST_SOCKET: '/nowhere' };
    t.equal((await ctl(['--socket', server.socketPath, 'health'], wrong)).status, 0);
  });
});
