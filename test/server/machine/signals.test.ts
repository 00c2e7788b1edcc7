/** Signals: each does what docs/audit.md says, and none opens a debugger or ends the daemon unasked. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../../src/package-root.js';
import { eventually, TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';

const DEBUGGER = /Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/;
const HARMLESS = ['SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGWINCH', 'SIGURG', 'SIGCONT'] as const;

await withoutLeaks(t, 'signals', async (t) => {
  await t.test('that mean nothing', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const fds = await daemon.idleFds();
    for (const signal of HARMLESS) {
      for (let i = 0; i < 3; i++) daemon.process.kill(signal);
      t.equal((await daemon.rest('GET', '/healthz')).status, 200, signal);
    }
    const told = () => daemon.log.filter(({ msg }) => msg === 'the signal has no meaning here');
    await eventually(() => told().some(({ signal }) => signal === 'SIGUSR2'), 'it is logged');
    t.ok(told().some(({ signal }) => signal === 'SIGUSR1'));
    await daemon.settled(fds);
    t.notOk(
      daemon.log.some(({ msg }) => DEBUGGER.test(msg)),
      'no debugger',
    );
    t.equal(await daemon.stop(), 0);
  });

  // Before the daemon's first line, so that Node opens its debugger.
  const early = `data:text/javascript,${encodeURIComponent('process.kill(process.pid,"SIGUSR1")')}`;
  const withOptions = (...options: string[]) => ({
    env: { ...withoutVulkan, NODE_OPTIONS: options.join(' ') },
  });
  const reached = async (daemon: TestDaemon) => {
    const at = () => daemon.log.map(({ msg }) => DEBUGGER.exec(msg)?.[1]).find(Boolean);
    await eventually(() => at() !== undefined, 'the debugger was opened');
    const socket = connect(Number(at()), '127.0.0.1');
    const [what] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'error').then(([error]: { code: string }[]) => [error?.code]),
    ]).catch((error: { code: string }) => [error.code]);
    socket.destroy();
    return what;
  };

  await t.test('SIGUSR1 before it has started', async (t) => {
    const daemon = await TestDaemon.start([], withOptions('--inspect-port=0', '--import', early));
    const closed = async () => (await reached(daemon)) === 'ECONNREFUSED';
    await eventually(closed, 'the debugger is closed');
    t.equal(await daemon.stop(), 0);
  });

  await t.test('a debugger that was asked for', async (t) => {
    const daemon = await TestDaemon.start([], withOptions('--inspect=0'));
    t.equal(await reached(daemon), 'connect');
    t.equal(await daemon.stop(), 0);
  });

  await t.test('SIGQUIT ends it at once', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const exited = once(daemon.process, 'exit');
    daemon.process.kill('SIGQUIT');
    t.same(await exited, [null, 'SIGQUIT']);
    await daemon.stop();
  });
});

t.test('the table names each signal that has a meaning of its own', async (t) => {
  const table = readFileSync(join(packageRoot, 'docs', 'audit.md'), 'utf8');
  const code = readFileSync(join(packageRoot, 'src', 'server', 'machine', 'signals.ts'), 'utf8');
  const named = new Set(code.match(/(?<=')SIG[A-Z0-9]+(?=')/g));
  t.ok(named.size >= 5);
  for (const signal of [...named, 'SIGQUIT', 'SIGPIPE']) t.match(table, `\`${signal}\``);
});
