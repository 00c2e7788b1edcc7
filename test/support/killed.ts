/**
 * Clients that are killed at any moment of whatever they do (programs/restless.c), while another
 * holds one buffer of theirs: their charge comes back but for that one, which is charged until its
 * holder lets go, and not a moment less.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { Actor, type Got, spawnAs } from './actor.js';
import { eventually, type TestDaemon } from './daemon.js';
import { Random, seed } from './random.js';
import { nothingCharged, recounted } from './recount.js';

export interface KillOptions {
  readonly rounds: number;
  /** Whose the killed processes are; null: this user's. */
  readonly user: string | null;
  readonly sources: readonly string[];
  /** A process is killed so long after its first answer at most. */
  readonly longestMs: number;
}

const program = join(packageRoot, 'test/support/programs/build/restless');

/** How often what is still held is looked at. */
const LOOKS = 5;

/** A process that waits, and is then busy until it is killed. */
class Victim {
  private constructor(private readonly child: ChildProcess) {}

  static start(daemon: TestDaemon, user: string | null, source: string): Victim {
    const argv = [program, daemon.clientSocket, source];
    return new Victim(spawnAs(user, argv, ['pipe', 'pipe', 'inherit']));
  }

  /** Begins; the token for what it keeps. */
  async go(): Promise<string> {
    const { stdin, stdout } = this.child;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    stdin.write('go');
    for await (const token of createInterface(stdout)) return token;
    throw new Error('it ended without a word');
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null) throw new Error(`it ended by itself, with ${child.exitCode}`);
    if (child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

/** `id` alone is there, and stays as long as somebody holds it. */
async function onlyHeld(daemon: TestDaemon, id: string): Promise<void> {
  let now: string[] = [];
  const look = async () => {
    now = (await daemon.buffers()).map((each) => `${each.id} ${each.state}`);
  };
  const alone = () =>
    eventually(
      async () => {
        await look();
        return now.join() === `${id} lingering`;
      },
      () => `of the killed there is ${id} alone, lingering: ${now}`,
    );
  await alone();
  for (let count = 0; count < LOOKS; count++) {
    await look();
    if (!now.includes(`${id} lingering`)) throw new Error(`${id} is held, and not listed: ${now}`);
  }
  // What was being allocated when its client was killed may have come meanwhile, and goes.
  await alone();
  await recounted(daemon);
}

export async function testKills(t: Test, daemon: TestDaemon, options: KillOptions): Promise<void> {
  const { rounds, user, sources, longestMs } = options;
  const before = await daemon.idleFds();
  const chosen = seed();
  t.comment(`DMABROKER_SEED=${chosen}`);
  const random = new Random(chosen);
  const start = () => Victim.start(daemon, user, random.one(sources) ?? 'memfd');
  const holder = await Actor.connected(t, daemon);
  let next = start();
  t.teardown(() => next.kill());

  async function round(): Promise<void> {
    const victim = next;
    const token = await victim.go();
    const { id, number } = await holder.tell<Got>({ what: 'redeem', token });
    await setTimeout(random.below(longestMs));
    await victim.kill();
    next = start();
    await onlyHeld(daemon, id);
    await holder.tell({ what: 'close', number });
    const gone = async () => (await daemon.buffers()).length === 0;
    await eventually(gone, `${id} is given back`);
  }

  for (let i = 1; i <= rounds; i++) await t.resolves(round(), `kill ${i}`);
  await nothingCharged(daemon);
  await holder.end('leave');
  await t.resolves(daemon.settled(before));
}
