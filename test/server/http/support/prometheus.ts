/**
 * A real Prometheus on a port of the loopback address, with its data in a folder of the test's; and what
 * promtool says of metrics.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { debianPrograms } from '../../../support/debian-programs.js';
import { ended, spawnBound } from '../../../vm/children.js';

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, who has asked knows
  readonly data: any;
}

export class Prometheus {
  private constructor(
    readonly port: number,
    /** What it has logged. */
    readonly log: readonly string[],
  ) {}

  /** Ends with the test. */
  static async start(t: Test, configuration: string, folder: string): Promise<Prometheus> {
    const program = (await debianPrograms('prometheus'))('prometheus');
    const options = {
      'config.file': configuration,
      'storage.tsdb.path': join(folder, 'data'),
      'web.listen-address': '127.0.0.1:0',
    };
    const args = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
    const child = spawnBound([program, ...args], ['ignore', 'ignore', 'pipe']);
    const over = ended(child);
    t.teardown(async () => {
      child.kill();
      await over;
    });
    if (child.stderr === null) throw new Error('no pipe');
    const log: string[] = [];
    const port = await new Promise<number>((resolve, reject) => {
      createInterface(child.stderr as NodeJS.ReadableStream).on('line', (line) => {
        log.push(line);
        const [, found] = /Listening on.*address="?127\.0\.0\.1:(\d+)/.exec(line) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
      void over.then(() => reject(new Error(`Prometheus ended: ${log.join('\n')}`)));
    });
    return new Prometheus(port, log);
  }

  /** The data of an answer of its API. Throws its error. */
  async #get(path: string, query: Record<string, string> = {}): Promise<Answer['data']> {
    const url = `http://127.0.0.1:${this.port}/api/v1/${path}?${new URLSearchParams(query)}`;
    const { status, error, data } = (await (await fetch(url)).json()) as Answer;
    if (status !== 'success') throw new Error(`${JSON.stringify(query)}: ${error}`);
    return data;
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#get('alerts')).alerts;
  }

  /** Names of the rules that were evaluated, with what was wrong. */
  async evaluated(): Promise<{ name: string; error: string }[]> {
    const { groups } = await this.#get('rules');
    const rules: { name: string; lastError?: string; health: string }[] = groups.flatMap(
      (group: { rules: [] }) => group.rules,
    );
    return rules
      .filter(({ health }) => health !== 'unknown')
      .map(({ name, lastError = '' }) => ({ name, error: lastError }));
  }

  async query(query: string): Promise<Series[]> {
    return (await this.#get('query', { query })).result;
  }
}

/** Lines of `promtool check metrics`, which are about what does not keep to the conventions. */
export async function checkMetrics(input: string): Promise<string[]> {
  const promtool = (await debianPrograms('prometheus'))('promtool');
  const run = spawnSync(promtool, ['check', 'metrics'], { encoding: 'utf8', input });
  // 3: there are such lines.
  if (run.status !== 0 && run.status !== 3) throw new Error(`promtool: ${run.stderr}`);
  return run.stderr.split('\n').filter((line) => line !== '');
}
