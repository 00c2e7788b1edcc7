/** The plain CUDA program (bench/c/cuda-memory.c) that an allocation by the daemon is measured beside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Client, LinearRequest } from '../../src/client/index.js';
import { bound, compile } from './programs.js';
import { figure, median, option } from './report.js';

/** How often a daemon that has just started is asked before anything is measured. */
const WARM = option('warm', 6000);
/** Of those, the first. */
const FIRST = 7;

/**
 * A daemon runs for months, and V8 compiles what it does often: so it is asked again and again, for 2 MiB of either kind, before it is measured
 * beside a program that was compiled. What the first cost is said.
 */
export async function warmUp(client: Client, common: Omit<LinearRequest, 'size'>): Promise<void> {
  const took: number[] = [];
  for (let i = 0; i < WARM; i++) {
    const begun = performance.now();
    const handleTypes = [i % 2 === 0 ? 'dma_buf' : 'opaque_fd'] as const;
    const buffer = await client.allocate({ ...common, size: 2 * 2 ** 20, handleTypes });
    took.push((performance.now() - begun) * 1000);
    await buffer.release();
  }
  const first = figure(median(took.slice(0, FIRST)));
  console.log(
    `warm     the first ${FIRST} allocations ${first} µs (median), then ${WARM - FIRST} more\n`,
  );
}

/** What the plain program measured: µs. */
export interface Plain {
  /** All of it until there is the file descriptor, of several in a row on average. */
  readonly each: number;
  readonly make: number;
  readonly clear: number;
  readonly export: number;
  readonly letGo: number;
  readonly close: number;
}

/** The plain program, asked for one allocation after the other. */
export async function startPlain(uuid: string) {
  const child = bound(
    spawn(compile('cuda-memory'), [uuid], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the plain program has ended');
    return JSON.parse(value);
  };
  const { context } = (await next()) as { context: number };
  return {
    context,
    allocate: async (
      bytes: number,
      kind: 'dma_buf' | 'posix' | 'hold',
      many = 1,
    ): Promise<Plain> => {
      stdin.write(`${bytes} ${kind} ${many}\n`);
      return next();
    },
    end: async () => {
      stdin.end();
      await once(child, 'exit');
    },
  };
}
