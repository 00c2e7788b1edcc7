/** The plain CUDA program (bench/c/cuda-memory.c) that an allocation by the daemon is measured beside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { bound, compile } from './programs.js';

/** What the plain program measured: µs. */
export interface Plain {
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
    allocate: async (bytes: number, kind: 'dma_buf' | 'posix' | 'hold'): Promise<Plain> => {
      stdin.write(`${bytes} ${kind}\n`);
      return next();
    },
    end: async () => {
      stdin.end();
      await once(child, 'exit');
    },
  };
}
