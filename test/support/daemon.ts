/**
 * A real dmabrokerd in a folder of its own, for tests: started, waited for, stopped, and its open
 * fds counted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/package-root.js';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface RestAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever the API answers
  readonly body: any;
}

export class TestDaemon {
  private constructor(
    readonly process: ChildProcess,
    readonly folder: string,
    readonly clientSocket: string,
    readonly restSocket: string,
    /** What it has logged until now. */
    readonly log: readonly LogLine[],
  ) {}

  /** Resolves when it says `ready`; rejects with its log when it ends before. */
  static async start(extra: readonly string[] = []): Promise<TestDaemon> {
    const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
    const client = join(folder, 'client.sock');
    const rest = join(folder, 'rest.sock');
    const args = [
      join(packageRoot, 'bin/dmabrokerd.js'),
      '--socket',
      client,
      '--rest-socket',
      rest,
    ];
    const child = spawn(process.execPath, [...args, '--log-level', 'debug', ...extra], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const log: LogLine[] = [];
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => {
        reject(new Error(`dmabrokerd ended with ${code}: ${log.map(({ msg }) => msg).join('\n')}`));
      });
      if (child.stderr === null) throw new Error('no pipe');
      createInterface(child.stderr).on('line', (line) => {
        const entry = parse(line);
        log.push(entry);
        if (entry.msg === 'ready') resolve();
      });
    });
    child.removeAllListeners('exit');
    return new TestDaemon(child, folder, client, rest, log);
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** How many fds it has open now. */
  openFds(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  rest(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const { restSocket } = this;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const options = { socketPath: restSocket, method, path, host: 'localhost', headers };
      const outgoing = request({ ...options, agent: false }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
      });
      outgoing.once('error', reject);
      outgoing.end(payload);
    });
  }

  /** Ends it with a signal; resolves with its exit status (null if the signal ended it). */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { process: child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
    return child.exitCode;
  }
}

/** What is no JSON (a warning of Node's) is a line of its own, so that a test can find it. */
function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 0, msg: line };
  }
}

/** Waits until `condition` holds; fails with `what` after ten seconds (a hundred under TCG). */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never came true: ${what}`);
}
