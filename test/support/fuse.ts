/**
 * A file whose server answers when the test wants it to (programs/fuse-server.ts). It needs /dev/fuse and
 * the right to mount.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Arena } from '../../src/native/arena.js';
import { callInt, symbol } from '../../src/native/ffi.js';
import { temporaryFolder } from './folder.js';
import type { Held } from './programs/fuse-server.js';
import { programFile } from './programs.js';

const MNT_DETACH = 2;

/** Why there can be no FUSE file here, or false: for a test's `skip`. */
export function fuseMissing(): string | false {
  if (process.getuid?.() !== 0) return 'mounting takes root';
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
    return false;
  } catch (error) {
    return `there is no FUSE: ${error}`;
  }
}

export class FuseFile {
  private constructor(
    private readonly server: ChildProcess,
    private readonly folder: string,
  ) {}

  /** Mounted until the test has ended. */
  static async mount(t: Test): Promise<FuseFile> {
    const folder = temporaryFolder(t);
    const program = programFile('fuse-server');
    const server = spawn(process.execPath, [program, folder], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const file = new FuseFile(server, folder);
    t.teardown(() => file.#unmount());
    await once(server, 'message');
    return file;
  }

  get path(): string {
    return join(this.folder, 'file');
  }

  /** The caller owns the fd. */
  open(): number {
    return openSync(this.path, 'r+');
  }

  /** The same, by another name, which `/proc/PID/fd` shows as `/name`: nothing is mounted any more. */
  openDetached(name: string): number {
    const fd = openSync(join(this.folder, name), 'r+');
    this.#detach();
    return fd;
  }

  /** Requests of these kinds are not answered from now on. */
  hold(...kinds: Held[]): Promise<void> {
    return this.#tell({ hold: kinds });
  }

  /** When somebody waits for what is held. */
  async held(): Promise<void> {
    await once(this.server, 'message');
  }

  /** Everything is answered, what waits first. */
  letGo(): Promise<void> {
    return this.#tell('letGo');
  }

  async #tell(command: { hold: readonly Held[] } | 'letGo'): Promise<void> {
    const done = new Promise<void>((resolve) => {
      const listener = (message: unknown) => {
        if (message !== 'done') return;
        this.server.off('message', listener);
        resolve();
      };
      this.server.on('message', listener);
    });
    this.server.send(command);
    await done;
  }

  #detach(): void {
    const arena = new Arena();
    callInt(symbol('umount2'), arena.string(this.folder), MNT_DETACH);
  }

  async #unmount(): Promise<void> {
    this.#detach();
    // Its end aborts the connection: whoever still waits is answered.
    if (this.server.exitCode === null && this.server.signalCode === null) {
      this.server.kill('SIGKILL');
      await once(this.server, 'exit');
    }
  }
}
