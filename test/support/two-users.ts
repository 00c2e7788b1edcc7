/** A daemon for users that are there by number only: it takes root to be them. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Actor } from './actor.js';
import { type StartOptions, TestDaemon, withoutVulkan } from './daemon.js';
import { temporaryFolder } from './folder.js';

export const [ALICE, BOB] = [61_001, 61_002];
/** For tap's `skip`. */
export const unlessRoot = process.getuid?.() === 0 ? false : 'it takes root to be somebody else';

/** It has memfds alone, and ends with the test. `policy`: more of that section; `toml`: other sections. */
export async function daemonForTwo(
  t: Test,
  { policy = '', toml = '', ...options }: StartOptions & { policy?: string; toml?: string } = {},
): Promise<TestDaemon> {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  const sockets = '[clients]\nmode = "0666"\n[rest]\nmode = "0666"\n';
  const connect = `[policy]\nconnect = { users = [${ALICE}, ${BOB}] }\n`;
  writeFileSync(file, `${sockets}${connect}${policy}${toml}`);
  const daemon = await TestDaemon.start(['--config', file], { env: withoutVulkan, ...options });
  t.teardown(() => daemon.stop());
  chmodSync(daemon.folder, 0o755);
  return daemon;
}

/** A client of that user's. */
export async function clientOf(t: Test, daemon: TestDaemon, uid: number): Promise<Actor> {
  const actor = Actor.start(daemon, uid);
  t.teardown(() => actor.end('kill'));
  await actor.tell({ what: 'connect' });
  return actor;
}
