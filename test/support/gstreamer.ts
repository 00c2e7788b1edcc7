/**
 * Debian's GStreamer in a guest that has it (test/runner/lists.ts, LAYERS). Of some 190 plugins those are loaded that a test
 * uses: to look at all of them takes User-Mode Linux 8 s.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';

const PLUGINS = '/usr/lib/x86_64-linux-gnu/gstreamer-1.0';

/** What has GStreamer know these plugins alone, and what it finds out of them in the folder. */
export function withPlugins(folder: string, names: readonly string[]): NodeJS.ProcessEnv {
  const own = join(folder, 'plugins');
  mkdirSync(own);
  for (const file of names.map((name) => `libgst${name}.so`)) {
    symlinkSync(join(PLUGINS, file), join(own, file));
  }
  return { GST_PLUGIN_SYSTEM_PATH_1_0: own, GST_REGISTRY: join(folder, 'registry') };
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has said until now. */
  readonly said: () => string;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** A program that ends with the test. */
export function start(
  t: Pick<Test, 'teardown'>,
  env: NodeJS.ProcessEnv,
  program: string,
  ...args: readonly string[]
): Started {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const exit = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, said: () => said, ended: exit.then(([code, signal]) => code ?? signal) };
}

/** A pipeline, as people write it, without quotes. */
const launch = (pipeline: string) => ['gst-launch-1.0', '-q', ...pipeline.split(' ')] as const;

/** One that runs; it ends with the test. */
export const running = (t: Test, env: NodeJS.ProcessEnv, pipeline: string): Started =>
  start(t, env, ...launch(pipeline));

/** One that has ended. Throws where it has failed. */
export function ended(env: NodeJS.ProcessEnv, pipeline: string): void {
  const [program, ...args] = launch(pipeline);
  execFileSync(program, args, { env, stdio: 'pipe' });
}
