/** dmabroker-keeper as systemd has it: its socket outlives it, and who connects starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import { close } from '../../src/native/libc/fd.js';
import { listenUnix } from '../../src/native/libc/socket.js';
import { packageRoot } from '../../src/package-root.js';
import { fdsOf } from './fds.js';
import { temporaryFolder } from './folder.js';

export const KEEPER_PROGRAM = join(packageRoot, 'bin/dmabroker-keeper.js');

export class KeeperService {
  readonly path: string;
  readonly #listener: number;
  #child: ChildProcess | null = null;

  constructor(
    t: Pick<Test, 'teardown'>,
    /** ulimit -n */
    private readonly maxFds = 4096,
  ) {
    this.path = join(temporaryFolder(t), 'keeper.sock');
    this.#listener = listenUnix(this.path);
    t.teardown(async () => {
      await this.kill();
      close(this.#listener);
    });
  }

  get child(): ChildProcess {
    if (this.#child === null) throw new Error('it is not started');
    return this.#child;
  }

  async start(): Promise<void> {
    // Only the process itself knows its number (sd_listen_fds(3)).
    const command = `ulimit -n ${this.maxFds}; LISTEN_PID=$$ LISTEN_FDS=1 exec ${process.execPath} ${KEEPER_PROGRAM} ${this.path}`;
    const stdio = ['ignore', 'inherit', 'pipe', this.#listener] as const;
    this.#child = spawn('sh', ['-c', command], { stdio: [...stdio] });
    await once(this.#child, 'spawn');
  }

  /** Files that it has, by what they are called, one for each fd. */
  memories(name: RegExp): number {
    return fdsOf(`${this.child.pid}`, name);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
