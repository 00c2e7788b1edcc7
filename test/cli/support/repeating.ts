/**
 * dmabrokerctl as users have it, one command line after the other in one process: its bundle is loaded anew for each, with
 * the arguments, the environment and the output of that one alone, and what Node has loaded for the first (a tenth of a
 * second) the others find. A command has ended when nothing of it keeps the process, as it would end itself.
 *
 * Run by again.ts, over Node's IPC.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../../src/package-root.js';
import type { Asked } from './again.js';
import type { Run } from './ctl.js';

const main = pathToFileURL(join(packageRoot, 'dist/bundle/cli/main.js')).href;
const [node = ''] = process.argv;
let count = 0;

/** Whether something keeps this process beside its channel. */
const isKept = () => process.getActiveResourcesInfo().join() !== 'PipeWrap';

function captured(stream: NodeJS.WriteStream): () => string {
  const chunks: Buffer[] = [];
  stream.removeAllListeners('error');
  stream.write = (chunk: string, ...more: unknown[]) => {
    chunks.push(Buffer.from(chunk));
    const told = more.find((each) => typeof each === 'function');
    if (told !== undefined) process.nextTick(told as () => void);
    return true;
  };
  return () => Buffer.concat(chunks).toString();
}

async function run({ args, env }: Asked): Promise<Run> {
  const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)];
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [node, main, ...args];
  process.exitCode = undefined;
  let fault = '';
  try {
    await import(`${main}?${count++}`);
    while (isKept()) await sleep(1);
  } catch (error) {
    process.exitCode = 1;
    fault = error instanceof Error ? `${error.stack}` : String(error);
  }
  const status = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { status, stdout: stdout(), stderr: stderr() + fault };
}

// Whoever asked has ended.
process.on('disconnect', () => process.exit());
process.on('message', async (asked: Asked) => {
  process.send?.(await run(asked));
});
