/**
 * Each command against a real daemon on the host, whose memory is memfds. An import needs a dma_buf: it
 * is refused here and done in the guest (dma-bufs.guest.test.ts).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { definitionOf, withAllBelow } from '../../src/cli/definition.js';
import type { Finding } from '../../src/cli/doctor/finding.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl, type Run } from './support/again.js';
import { userName } from './support/ctl.js';

const daemon = await TestDaemon.memfd(t);
const own = new Set<string>();
/** The commands that have been run and have done what they are for. */
const done = new Set<string>();

function run(...args: string[]): Promise<Run> {
  return ctl(['--socket', daemon.restSocket, ...args], { DMABROKER_SOCKET: daemon.clientSocket });
}

/** Runs a command that must succeed, with --json; what it printed. */
async function json(...args: string[]) {
  const { status, stdout, stderr } = await run('--json', ...args);
  t.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  for (const { path } of withAllBelow(definitionOf(dmabrokerctl()))) {
    if (path.every((word, index) => args[index] === word)) done.add(path.join(' '));
  }
  return JSON.parse(stdout);
}

async function allocate(...args: string[]): Promise<{ id: string; token: string }> {
  const { buffer, token } = await json('alloc', '--size', '4096', ...args);
  own.add(buffer.id);
  return { id: buffer.id, token: token.token };
}

await withoutLeaks(t, 'real daemon', async (t) => {
  t.test('alloc, list, show, rename, release', async (t) => {
    const { id } = await allocate('--name', 'first');
    t.match(await json('list', '--name', 'irs'), [{ id, name: 'first', size: 4096 }]);
    t.match(await json('show', id), { id, state: 'live', handle_type: 'memfd' });
    t.match(await json('rename', id, 'second'), { name: 'second' });
    t.match(await json('history', id), { events: [{}, {}], forgotten: 0 });
    t.same(await json('release', id), { released: id });
    t.same(await json('list'), []);
    t.match(await run('show', id), { status: 1, stderr: /^dmabrokerctl: not_found: / });
  });

  t.test('share, tokens, revoke, recv', async (t) => {
    const { id, token } = await allocate();
    const file = join(daemon.folder, 'content');
    t.match(await json('recv', token, '--output', file), { id, handle_type: 'memfd' });
    t.ok(readFileSync(file).equals(Buffer.alloc(4096)), 'cleared memory');
    const shared = await json('share', id, '--uses', '2');
    t.match(await json('tokens', id), [{ id: shared.id, uses_left: 2 }]);
    t.same(await json('revoke', id, shared.id), { revoked: shared.id });
    t.match(await run('recv', shared.token), {
      status: 1,
      stderr: /^dmabrokerctl: invalid_token: /,
    });
    t.match(await json('holders', id), { holders: [], daemon: { fds: 1 } });
    t.match(await json('leaks'), []);
    await json('release', id);
  });

  t.test('ps, users, cgroups, waiting', async (t) => {
    const { id, token } = await allocate();
    const client = await connect({ socket: daemon.clientSocket });
    const held = await client.redeem(token);
    const ours = async () => (await json('ps', '--pid', String(process.pid))).processes;
    // A sweep of a moment ago will do for the daemon.
    await eventually(async () => (await ours()).length === 1, 'a new sweep has seen it');
    t.match(await ours(), [{ pid: process.pid, bytes: 4096, buffers: 1, fds: 1, clients: [/^c/] }]);
    t.same((await json('ps', '--pid', '1')).processes, []);
    t.same((await json('ps', '--uid', '61999')).processes, []);
    const row = new RegExp(
      `^${process.pid} +node +${userName(process.getuid?.() ?? 0)} +4 KiB +\\S+ KiB +1 +1 +0 `,
      'm',
    );
    t.match((await run('ps')).stdout, row);
    t.match(await json('users'), [{ uid: process.getuid?.(), charge: { buffers: 1 } }]);
    t.match((await run('holders', id)).stdout, /^PID +USER +PROCESS /);
    t.ok(Array.isArray(await json('cgroups')));
    t.same(await json('waiting'), []);
    await held.close();
    client.close();
    await json('release', id);
  });

  t.test('extend, recall', async (t) => {
    const { id } = await allocate('--lease', '60');
    t.match(await json('extend', id, '--for', '120s'), {
      lifetime: { type: 'lease', seconds: 120 },
    });
    t.match(await json('recall', id, '--for', '30'), { recall: { reason: 'administrator' } });
    await json('release', id);
  });

  t.test('top, clients, device, formats, health', async (t) => {
    const { id } = await allocate();
    t.match(await json('top', '--once'), {
      buffers: [{ id }],
      users: [{ charge: { buffers: 1 } }],
    });
    t.same(await json('clients'), []);
    t.match(await json('device'), { device: null, sources: Array });
    t.same(await json('devices'), []);
    t.ok((await json('formats')).length > 0);
    t.match(await json('health'), { status: 'ok' });
    t.match(await json('whoami'), { uid: process.getuid?.() ?? 0, role: 'admin', connect: true });
    const { settings } = await json('config');
    t.match(
      settings.find(({ key }: { key: string }) => key === 'clients.socket'),
      { value: daemon.clientSocket, from: 'command_line', after_restart: null },
    );
    await json('release', id);
  });

  t.test('pool', async (t) => {
    for (let i = 0; i < 3; i++) await json('release', (await allocate()).id);
    await eventually(async () => (await json('pool')).spares === 3, 'spares are made');
    const pool = await json('pool');
    t.match(pool, { hits: Number, bytes: 3 * 4096, specs: [{ size: 4096, spares: 3 }] });
    const { id } = await allocate();
    t.equal((await json('pool')).hits, pool.hits + 1);
    await json('release', id);
    t.match(await run('pool'), { stdout: /^memfd +memfd +buffer of 4 KiB +transfer +\d +4 KiB /m });
    t.match(await json('pool', '--drain'), { spares: Number, bytes: Number });
    t.match(await json('pool'), { spares: 0, bytes: 0, specs: [] });
  });

  t.test('history, client, disconnect, log-level', async (t) => {
    const { id } = await allocate();
    t.match(await json('history', id), {
      events: [{ type: 'buffer.created' }, { type: 'buffer.shared' }],
    });
    await json('release', id);
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    const closed = new Promise((resolve) => client.onClosed(resolve));
    const [{ id: name }] = await json('clients');
    t.match(await json('client', name), { client: { id: name }, buffers: [] });
    t.same(await json('disconnect', name), { disconnected: name });
    await closed;
    t.same(await json('log-level', 'info'), { level: 'info' });
  });

  t.test('token new', async (t) => {
    const made = await json('token', 'new', '--name', 'scraper', '--role', 'reader');
    t.match(made, { token: /^dmabroker_/, entry: { name: 'scraper', sha256: /^[0-9a-f]{64}$/ } });
  });

  t.test('quota', async (t) => {
    const bytes = (value: number | null, from: string) => ({
      settings: { bytes: { value, from } },
    });
    t.match(await json('quota', 'set', 'user/1234', '--bytes', '1M'), bytes(2 ** 20, 'rest'));
    t.match(await json('quota', 'get', 'user/1234'), bytes(2 ** 20, 'rest'));
    t.match(await json('quota', 'unset', 'user/1234'), bytes(null, 'default'));
    t.ok((await json('quota', 'list')).length > 0);
  });

  t.test('events: one, as it happens', async (t) => {
    const following = json('events', '--type', 'buffer.created', '--count', '1');
    // Events before the stream begins are not sent: buffers are made until one is seen.
    let seen = false;
    const end = following.then((event) => {
      seen = true;
      return event;
    });
    while (!seen) await json('release', (await allocate()).id);
    t.match(await end, { type: 'buffer.created' });
    t.ok(own.has((await end).buffer));
  });

  t.test('preview, reissue', async (t) => {
    const made = await json('alloc', '--image', '16x8', '--format', 'XR24', '--name', 'image');
    const { id } = made.buffer;
    const file = join(daemon.folder, 'picture.png');
    t.match(await json('preview', id, '--output', file), { file, bytes: Number });
    t.equal(readFileSync(file).subarray(1, 4).toString(), 'PNG');
    t.match(await run('preview', id, '--output', daemon.folder), { status: 2 });
    t.match(await json('reissue', id), { id, state: 'live' });
    await json('release', id);
  });

  t.test('import takes a dma_buf alone', async (t) => {
    // Standard input is /dev/null.
    const imported = await run('import', '--size', '4096', '--plane', '0');
    t.match(imported, { status: 1, stderr: /^dmabrokerctl: invalid_argument: / });
    done.add('import');
  });

  t.test('orphans; claim and commit are in recv.test', async (t) => {
    const { id } = await allocate('--lasting-name', 'real');
    t.match(await json('orphans'), [{ id, orphan: { ends_by: ['owner', 'administrator'] } }]);
    t.match(await json('commit', 'real'), { id, revision: 1 });
    const claimed = await json('claim', 'real', '--committed');
    t.match(claimed, { id });
    await json('release', id);
  });

  t.test('doctor; restart is for a service (systemd/deb.sh)', async (t) => {
    const { status, stdout } = await run('doctor');
    t.equal(status, 1, 'a machine without dma_bufs');
    t.match(stdout, /^ok +daemon: \S+ answers$/m);
    t.match(stdout, /^WRONG memory: no dma_buf can be had: /m);
    const findings = JSON.parse((await run('--json', 'doctor')).stdout);
    t.ok(findings.some(({ about, level }: Finding) => about === 'you' && level === 'good'));
    t.match(await run('restart'), { status: 2, stderr: /systemd has no unit dmabrokerd/ });
    done.add('doctor').add('restart');
  });

  t.test('completion', async (t) => {
    t.match(await json('completion', 'bash'), { script: /complete -F _dmabrokerctl/ });
  });

  t.test('no command was left out', async (t) => {
    const all = withAllBelow(definitionOf(dmabrokerctl())).filter(
      ({ commands }) => commands.length === 0,
    );
    t.same(
      all.map(({ path }) => path.join(' ')).filter((name) => !done.has(name)),
      [],
    );
  });

  t.test('the exit code where the daemon has gone', async (t) => {
    await daemon.stop();
    t.match(await run('list'), { status: 3, stderr: /cannot reach the daemon/ });
  });
});
