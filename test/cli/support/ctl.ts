/**
 * Runs the real command line as a process of its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { account } from '../../../src/cli/accounts.js';
import { packageRoot } from '../../../src/package-root.js';

/** The program as users have it: its bundle, which loads in two thirds of the time that the modules take. */
export const main = join(packageRoot, 'bin/dmabrokerctl.js');

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a user is called here, where tests run on every machine alike. */
export const userName = (uid: number): string =>
  account('passwd', String(uid))?.name ?? String(uid);

/** As beside a process: `uid 1000` where there is no name. */
export const userOf = (uid: number): string => userName(uid).replace(/^(?=\d+$)/, 'uid ');

/** Runs `dmabrokerctl` with arguments; `env` replaces what decides about sockets and colours. */
export async function ctl(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  started: (pid: number) => void = () => {},
): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) started(child.pid);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    closed,
  ]);
  return { status, stdout, stderr };
}

/** Whether commands can be run on a terminal here. */
export const hasTerminal = spawnSync('script', ['--version']).status === 0;

/** What `dmabrokerctl` prints on a terminal of so many columns, line by line. script(1) makes one. */
export function onTerminal(columns: number, args: readonly string[], env = ''): string[] {
  const command = [process.execPath, main, ...args].join(' ');
  const { stdout, stderr, status } = spawnSync(
    'script',
    ['-qec', `stty cols ${columns}; NO_COLOR=1 ${env} ${command}`, '/dev/null'],
    { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stdout}${stderr}`);
  return stdout.trimEnd().split(/\r?\n/);
}
