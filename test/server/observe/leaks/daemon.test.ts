/** The report of a real daemon: a process that only grows, a forgotten buffer, a lingering one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { CreatedBuffer, LeakReport } from '../../../../src/rest/contract.js';
import { CONNECTION_LIMIT } from '../../../../src/server/http/limits.js';
import { RISES } from '../../../../src/server/observe/leaks/growth.js';
import { eventually, TestDaemon, withoutVulkan } from '../../../support/daemon.js';
import { withoutLeaks } from '../../../support/fds.js';
import { temporaryFolder } from '../../../support/folder.js';
import { programFile } from '../../../support/programs.js';

const program = programFile('hoarder');
const request = { kind: 'buffer', size: 8192, handle_types: ['memfd'] };

await withoutLeaks(t, 'leaks', async (t) => {
  const config = join(temporaryFolder(t), 'c.toml');
  writeFileSync(config, '[leaks]\nforgotten_after_seconds = 1\nsample_seconds = 1\n');
  const daemon = await TestDaemon.start(['--config', config], { env: withoutVulkan });
  const report = async () => (await daemon.rest('GET', '/v1/leaks')).body as LeakReport;
  const create = async (name: string) =>
    (await daemon.rest('POST', '/v1/buffers', { ...request, name })).body as CreatedBuffer;

  const first = await report();
  t.match(first, { forgotten: { count: 0 }, growing: { count: 0 }, lingering: { count: 0 } });
  const forgotten = await create('forgotten');
  const { buffer, token } = await create('taken');
  const child = spawn(process.execPath, [program, daemon.clientSocket, token.token], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const _ of createInterface(child.stdout)) break;
  await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);

  await eventually(async () => (await report()).growing.count === 1, 'it grows');
  const { forgotten: old, growing, lingering } = await report();
  const [grown] = growing.processes;
  t.match(grown, { pid: child.pid });
  t.ok((grown?.to ?? 0) >= (grown?.from ?? 0) + RISES);
  t.match(growing, { sampled_at: String, sample_seconds: 1, rises: RISES });
  t.match(lingering, { count: 1, bytes: 8192, buffers: [{ id: buffer.id, name: 'taken' }] });
  t.ok(lingering.oldest_seconds > 0);
  t.match(old.buffers[0], { id: forgotten.buffer.id, name: 'forgotten', size: 8192 });

  await daemon.rest('POST', `/v1/buffers/${forgotten.buffer.id}/recall`, { seconds: 60 });
  const ids = (await report()).forgotten.buffers.map(({ id }) => id);
  t.notOk(ids.includes(forgotten.buffer.id), 'it is asked for');

  child.kill('SIGKILL');
  await ended;
  await eventually(async () => (await report()).lingering.count === 0, 'its memory is gone');
  await eventually(async () => (await report()).growing.count === 0, 'the process is forgotten');
  t.equal(await daemon.stop(), 0);
});

await withoutLeaks(t, 'a look that there are no file descriptors for', async (t) => {
  const config = join(temporaryFolder(t), 'c.toml');
  writeFileSync(config, '[leaks]\nsample_seconds = 1\n');
  // As many as it takes for connections alone to use them up.
  const wrapper = ['prlimit', '--nofile=80'];
  const daemon = await TestDaemon.memfd(t, { wrapper }, ['--config', config]);
  // Of nothing nobody has something, and nobody is looked at.
  t.equal((await daemon.rest('POST', '/v1/buffers', request)).status, 201);
  const sockets = Array.from({ length: CONNECTION_LIMIT }, () => {
    // Some are accepted when others have left, or never.
    return connect(daemon.restSocket).on('error', () => {});
  });
  const missed = () => daemon.log.some(({ msg }) => msg === 'the machine could not be looked at');
  await eventually(missed, 'a look was missed');
  for (const socket of sockets) socket.destroy();
  const served = async () => (await daemon.rest('GET', '/v1/leaks')).status === 200;
  await eventually(() => served().catch(() => false), 'it goes on');
  t.equal(daemon.process.exitCode, null);
  t.equal(await daemon.stop(), 0);
});
