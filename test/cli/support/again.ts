/**
 * Runs the command line again and again in one process (repeating.ts), which a file has from its import on: for tests of
 * what commands do and say. How the program starts, ends and fails as a process is tested with ctl.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../../src/package-root.js';
import { ctl as ctlAlone, type Run } from './ctl.js';

export type { Run };
export interface Asked {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const child = spawn(process.execPath, [join(packageRoot, 'dist/test/cli/support/repeating.js')], {
  // No pipe or terminal of ours: it would keep the process, as what a command has opened does.
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
});
// It ends when its channel does, with this process; which waits for it only while a command runs.
child.unref();
child.channel?.unref();
let isBusy = false;

/** As ctl of ctl.ts, which is asked where a command of before still runs. */
export async function ctl(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  if (isBusy) return ctlAlone(args, env);
  isBusy = true;
  child.channel?.ref();
  const gone = new AbortController();
  try {
    const asked: Asked = { args, env: { PATH: process.env.PATH, ...env } };
    const { signal } = gone;
    const answer = once(child, 'message', { signal });
    const end = once(child, 'exit', { signal }).then(([status]) => {
      throw new Error(`dmabrokerctl ${args.join(' ')} ended the process: ${status}`);
    });
    child.send(asked);
    const [run] = await Promise.race([answer, end]);
    return run as Run;
  } finally {
    gone.abort();
    child.channel?.unref();
    isBusy = false;
  }
}
