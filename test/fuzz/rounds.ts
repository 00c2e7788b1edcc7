/**
 * The client protocol, or REST, against a real daemon, in rounds of a thousand messages: each begins with a seed of its
 * own, so that one that finds something can be played alone, and ends with everything as it was.
 */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuotaInfo } from '../../src/rest/contract.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { Witness } from './invariants.js';
import { Memory } from './memory.js';
import { Players } from './players.js';
import type { Sanitized } from './sanitized.js';
import { inRound } from './seeds.js';
import type { Tally } from './tally.js';

const MESSAGES_PER_ROUND = 1000;
/** Open to the users who play, without a limit on REST's rate, and with one on what is filled. */
const OPEN = `[clients]
mode = "0666"
[rest]
mode = "0666"
rate_limit = 0
[policy]
connect = { users = [0, 61001, 61002] }
admin = { users = [0, 61002] }
[accounting]
unknown_grace_seconds = 1
[quotas.default_user]
bytes = "256M"
[quotas.groups.61001]
bytes = "192M"
[quotas.groups.61002]
bytes = "none"
`;

/**
 * A daemon that the users who play may connect to; with sanitizers where there are some. By default it has
 * memfds alone. The caller stops it.
 */
export async function openDaemon(
  sanitized: Sanitized | null,
  env: NodeJS.ProcessEnv = withoutVulkan,
): Promise<TestDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-fuzz-'));
  chmodSync(folder, 0o755);
  const config = join(folder, 'dmabrokerd.toml');
  writeFileSync(config, OPEN);
  const daemon = await TestDaemon.start(['--config', config], {
    folder,
    env: { ...env, ...sanitized?.env },
    ...(sanitized !== null && { program: sanitized.program }),
  });
  await startPreviews(daemon);
  return daemon;
}

/** The thread that makes them starts with the first one, and has fds of its own. */
async function startPreviews(daemon: TestDaemon): Promise<void> {
  const image = { kind: 'image', width: 8, height: 8, format: 'XR24', handle_types: ['memfd'] };
  const { body } = await daemon.rest('POST', '/v1/buffers', image);
  const path = `/v1/buffers/${body.buffer.id}`;
  const { status } = await daemon.rest('GET', `${path}/preview.png`);
  if (status !== 200) throw new Error(`a preview is answered with ${status}`);
  await daemon.rest('DELETE', path);
}

/** Plays a round for each seed. Throws a Fault that names its seed. */
export async function playRounds(
  target: 'daemon' | 'rest',
  daemon: TestDaemon,
  seeds: Iterable<number>,
  tally: Tally,
  messages = MESSAGES_PER_ROUND,
): Promise<void> {
  const witness = await Witness.start(daemon);
  const players = new Players(target, target === 'rest' ? daemon.restSocket : daemon.clientSocket);
  const memory = new Memory();
  try {
    for (const seed of seeds) {
      await inRound(seed, async () => {
        await players.play(seed, messages, tally);
        if (target === 'rest') await withdrawQuotas(daemon);
        await witness.served();
        await players.leave(tally);
        // What nobody can count is charged until those who had it have exited.
        const uncounted = (await daemon.buffers()).some(({ state }) => state === 'unknown');
        if (uncounted) await players.end();
        await witness.alone();
      });
      memory.look(daemon.memory());
    }
  } finally {
    await players.end();
  }
  await witness.end();
  memory.judge();
}

/** Those that were set over REST: who watches is to have its part. */
async function withdrawQuotas(daemon: TestDaemon): Promise<void> {
  const quotas: QuotaInfo[] = (await daemon.rest('GET', '/v1/quotas')).body;
  for (const { scope, key } of quotas) {
    await daemon.rest('DELETE', `/v1/quotas/${scope}/${encodeURIComponent(key)}`);
  }
}
