/**
 * A start that fails, at any step: the daemon says why and ends, with no thread, no socket file and no
 * lock left; and what is no failure.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { START_STEPS } from '../../src/server/start.js';
import { runDaemon, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { programFile } from '../support/programs.js';

const program = programFile('failing-start');

await withoutLeaks(t, 'a start that fails', async (t) => {
  await t.test('at each step', async (t) => {
    const child = spawn(process.execPath, [program, temporaryFolder(t)], {
      env: withoutVulkan,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A thread that is left keeps the process.
      timeout: 60_000,
    });
    const exited = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    t.same(await exited, [0, null], 'it ends by itself');
    t.same(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      START_STEPS.map((step) => ({ message: `${step} fails`, files: [], locked: null })),
      'no socket file, and no lock',
    );
    t.equal(stderr, '');
  });

  await t.test('for reasons of the machine', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'file'), '');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.teardown(() => taken.close());
    const { port } = taken.address() as { port: number };
    const config = join(folder, 'c.toml');
    const tokens = join(folder, 'tokens.toml');
    writeFileSync(tokens, '', { mode: 0o600 });
    const tcp = `[rest.tcp]\nlisten = "127.0.0.1:${port}"\ntokens_file = "${tokens}"\n`;
    writeFileSync(config, tcp);
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', ['-m', '600', fifo]);
    const waits = join(folder, 'waits.toml');
    writeFileSync(waits, tcp.replace(tokens, fifo));
    mkdirSync(join(folder, 'sockets'));
    const socket = (name: string) => join(folder, 'sockets', name);
    const good = ['--socket', socket('c.sock'), '--rest-socket', socket('r.sock')];
    const reasons: [string[], RegExp][] = [
      [['--socket', join(folder, 'file', 'c.sock')], /file for c\.sock cannot be made \(EEXIST\)/],
      [['--socket', '/proc/nowhere/c.sock'], /ENOENT/],
      [['--rest-socket', join(folder, 'file')], /is there and is no socket/],
      [['--config', config], /EADDRINUSE/],
    ];
    for (const [wrong, message] of reasons) {
      const { status, stderr } = await runDaemon(...good, ...wrong);
      t.equal(status, 1, wrong.join(' '));
      t.match(stderr.trimEnd().split('\n').at(-1), message, 'its last line says why');
      t.same(readdirSync(join(folder, 'sockets')), [], 'nothing is left');
    }
    const held = await runDaemon(...good, '--config', waits);
    t.equal(held.status, 2, 'a FIFO in place of the tokens is not waited for');
    t.match(held.stderr, /fifo is no file/);
  });
});

await withoutLeaks(t, 'a start that does not fail', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  // One with a state folder that cannot be written.
  const cases = [
    { where: join(folder, 'nowhere'), options: ['--state-dir', file] },
    { where: `@${'x'.repeat(200)}`, options: [] },
    { where: '@dmabroker-nobody-listens', options: [] },
  ];
  for (const { where, options } of cases) {
    await t.test(`NOTIFY_SOCKET leads nowhere: ${where.slice(0, 40)}`, async (t) => {
      const env = { ...withoutVulkan, NOTIFY_SOCKET: where };
      const daemon = await TestDaemon.start(options, { env });
      const { status, body } = await daemon.rest('GET', '/healthz');
      t.equal(status, 200);
      if (options.length > 0) {
        t.match(body.warnings.join('\n'), /cannot be written/);
        t.match(await daemon.rest('PUT', '/v1/quotas/user/1', {}), { status: 507 });
      }
      t.equal(await daemon.stop(), 0, 'the first SIGTERM ends it');
      const warned = daemon.log.filter(({ msg }) => msg.includes('NOTIFY_SOCKET'));
      t.match(warned, [
        { level: 40, msg: /READY=1/ },
        { level: 40, msg: /STOPPING=1/ },
      ]);
      t.same(daemon.errors, []);
    });
  }
});
