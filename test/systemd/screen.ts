/**
 * A user's program that shows memory of the service's on QEMU's card, under Debian's own driver for it: what is seen of the screen
 * from outside (test/vm/camera.ts), and what is left of the memory, with the service and in the kernel.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { eventually } from '../support/daemon.js';
import { ask } from '../support/rest.js';

/** The screen, as XR24 with 255 in the byte that is no colour. */
export const photograph = (): Buffer =>
  execFileSync('photograph', ['xr24'], {
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** All dma_bufs that there are, whoever holds them (debugfs). */
export function dmabufs(): number {
  const info = readFileSync('/sys/kernel/debug/dma_buf/bufinfo', 'utf8');
  return Number(/^Total (\d+) objects/m.exec(info)?.[1]);
}

/** A program as people type it, in the folder, as alice: that process itself. */
export function show(t: Test, folder: string, command: string) {
  const alice = ['--reuid=alice', '--regid=alice', '--init-groups'];
  const PATH = `${join(packageRoot, 'examples/scanout/build')}:${process.env.PATH}`;
  const child = spawn('setpriv', [...alice, 'sh', '-c', `exec ${command}`], {
    ...{ cwd: folder, env: { ...process.env, PATH }, stdio: 'pipe' },
  });
  const exit = once(child, 'close') as Promise<[number | null]>;
  const said = text(child.stderr);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error(`${command}: ${await said}`);
    return value;
  };
  const killed = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  t.teardown(killed);
  return { child, exit, killed, line };
}

/** The service, as it was when nobody had anything. */
export class Service {
  readonly #before = dmabufs();

  readonly #rest = (method: string, path: string) =>
    ask({ socketPath: '/run/dmabroker/rest.sock', method, path, agent: false });

  /** What alice has. */
  async held(): Promise<{ buffers: number; bytes: number }> {
    const { body: buffers } = await this.#rest('GET', '/v1/buffers');
    const { body: quota } = await this.#rest('GET', '/v1/quotas/user/1001');
    return { buffers: buffers.length, bytes: quota.charge?.bytes ?? 0 };
  }

  /** Waits until there is no memory any more and nobody is charged for any; spares are given up. */
  async settled(attempts?: number): Promise<void> {
    let left = '';
    const nothing = async () => {
      await this.#rest('DELETE', '/v1/pool');
      const { buffers, bytes } = await this.held();
      left = `${buffers} buffers, ${bytes} bytes, ${dmabufs()} dma_bufs`;
      return buffers === 0 && bytes === 0 && dmabufs() === this.#before;
    };
    await eventually(nothing, () => `${left}; before it were ${this.#before}`, attempts);
  }
}
