/**
 * A daemon for the scenarios alone, with a period of grace that is worth waiting for.
 *
 * Owns: the daemon, and a folder that is found as XDG_RUNTIME_DIR.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestDaemon } from '../test/support/daemon.js';
import type { Setup } from './runner.js';

const CONFIG = '[leases]\ngrace_seconds = 1\n';

export class OwnDaemon {
  private constructor(
    readonly daemon: TestDaemon,
    readonly folder: string,
  ) {}

  static async start(env?: NodeJS.ProcessEnv): Promise<OwnDaemon> {
    const folder = mkdtempSync(join(tmpdir(), 'dmabroker-conformance-'));
    const config = join(folder, 'dmabroker.toml');
    writeFileSync(config, CONFIG);
    const options = env === undefined ? {} : { env };
    const daemon = await TestDaemon.start(['--config', config], options);
    mkdirSync(join(folder, 'dmabroker'));
    symlinkSync(daemon.clientSocket, join(folder, 'dmabroker', 'client.sock'));
    return new OwnDaemon(daemon, folder);
  }

  get setup(): Omit<Setup, 'drivers'> {
    const { clientSocket: socket, restSocket } = this.daemon;
    return { socket, restSocket, runtimeFolder: this.folder };
  }

  async stop(): Promise<number | null> {
    const status = await this.daemon.stop();
    rmSync(this.folder, { recursive: true, force: true });
    return status;
  }
}
