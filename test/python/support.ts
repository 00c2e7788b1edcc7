/** Python as the tests of its client run it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { PYTHON_PROGRAM } from '../../conformance/places.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';

/** Where the client is. */
export const CLIENT = join(packageRoot, 'clients/python');

/** Runs it in the client's folder, with the client; its status, and what it said. */
export async function python(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(PYTHON_PROGRAM, args, {
    cwd: CLIENT,
    env: { ...process.env, PYTHONPATH: join(CLIENT, 'src'), PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    closed,
  ]);
  return { status, said: stdout + stderr };
}

/** How the tests are told where the daemon is. */
export const placesOf = (daemon: TestDaemon): NodeJS.ProcessEnv => ({
  DMABROKER_SOCKET: daemon.clientSocket,
  DMABROKER_TEST_REST: daemon.restSocket,
  DMABROKER_TEST_PID: `${daemon.pid}`,
});

/** Modules of tests; how many ran, and how many of them were skipped. */
export async function tests(env: NodeJS.ProcessEnv, modules: readonly string[]) {
  const names = modules.map((name) => `tests.test_${name}`);
  const { status, said } = await python(['-W', 'error', '-m', 'unittest', ...names], env);
  const [, count = '0'] = /^Ran (\d+) tests? in/m.exec(said) ?? [];
  const [, skipped = '0'] = /skipped=(\d+)/.exec(said) ?? [];
  return { status, said, count: Number(count), skipped: Number(skipped) };
}

/**
 * The test that kills its daemon: another one is started at the same place then, which is there until the test's end.
 * `expected` is what becomes of the buffers.
 */
export async function restarted(
  t: Test,
  expected: 'adopted' | 'imported' | 'gone',
  start: (folder?: string) => Promise<TestDaemon>,
) {
  const first = await start();
  t.teardown(() => first.stop('SIGKILL'));
  const next = once(first.process, 'exit').then(() => start(first.folder));
  const env = { ...placesOf(first), DMABROKER_TEST_OUTCOME: expected };
  const result = await tests(env, ['restart']);
  const second = await next;
  t.teardown(() => second.stop());
  return { ...result, second };
}

/** Starts a daemon that keeps nothing over its end. */
export const unkept = (env: NodeJS.ProcessEnv) => (folder?: string) =>
  TestDaemon.start([], { env, ...(folder !== undefined && { folder, awaited: true }) });
