/** `dmabrokerctl recv` while the daemon is restarted: it waits, says so, and does not wait for ever. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { packageRoot } from '../../src/package-root.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_registry } from '../../src/protocol/wayland.gen.js';
import { eventually } from '../support/daemon.js';
import { FakeDaemon } from '../support/fake-daemon.js';

const { memfd } = dmabroker_manager_v1.enums.handle_type;
const BUFFER = 5;

/** Waits for the command's connection, and for its request. */
async function redeeming(daemon: FakeDaemon): Promise<void> {
  await eventually(() => daemon.accepts(), 'it connects');
  let sent = '';
  const has = (what: string) => () => {
    sent += daemon.received();
    return sent.includes(what);
  };
  // get_registry and sync are 12 bytes each.
  await eventually(() => has('')() && sent.length >= 24, 'it asks what there is');
  daemon.event(wl_registry, 2, 'global', 1, dmabroker_manager_v1.name, 1);
  daemon.event(wl_callback, 3, 'done', 0);
  await eventually(has(dmabroker_manager_v1.name), 'it binds');
  daemon.event(dmabroker_manager_v1, 4, 'done');
  await eventually(has('a-token'), 'it redeems');
}

/** The command, whose daemon has gone while the token was redeemed. */
async function begun(t: Test, ...args: string[]) {
  const daemon = new FakeDaemon(t);
  const program = join(packageRoot, 'bin/dmabrokerctl.js');
  const all = [program, 'recv', 'a-token', '--client-socket', daemon.path, ...args];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const said = Promise.all([text(child.stdout), text(child.stderr), closed]);
  await redeeming(daemon);
  daemon.hangUp();
  const ended = async () => {
    const [stdout, stderr, [status]] = await said;
    return { status, stdout, stderr };
  };
  return { daemon, ended };
}

const WAITS = 'dmabrokerctl: the daemon has gone: waiting for it, 10 s at most\n';

t.test('it goes on with the next one', async (t) => {
  const { daemon, ended } = await begun(t);
  await redeeming(daemon);
  const fd = sealedMemfd('shared', 4096);
  const about = [1, memfd, 'memfd', 0, 4096, 0, 0, 0, 0, 0] as const;
  daemon.event(dmabroker_buffer_v1, BUFFER, 'info', 'abc', ...about);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'memory', 0, 0, 4096);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'plane', fd, memfd, 0, 0, 0, 0);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'done');
  close(fd);
  await eventually(() => daemon.received() !== '', 'it closes the buffer');
  daemon.hangUp();
  const { status, stdout, stderr } = await ended();
  t.equal(status, 0, stderr);
  t.match(stdout, /^id: +abc$/m);
  t.equal(stderr, WAITS, 'once');
});

t.test('the token was counted by the one before', async (t) => {
  const { daemon, ended } = await begun(t);
  await redeeming(daemon);
  const { invalid_token } = dmabroker_manager_v1.enums.refusal;
  daemon.event(dmabroker_buffer_v1, BUFFER, 'failed', invalid_token, 'the token is used up', '{}');
  const { status, stderr } = await ended();
  t.equal(status, 3);
  t.match(stderr, /ended while the token was redeemed, and now: the token is used up/);
});

t.test('nobody comes back', async (t) => {
  const { ended } = await begun(t, '--json');
  const { status, stderr } = await ended();
  t.equal(status, 3);
  t.match(JSON.parse(stderr), { code: 'unreachable', detail: /failed for 10 s/ });
});
