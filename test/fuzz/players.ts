/**
 * The processes that play: as several users where that is allowed, each told what to do, and one of them
 * killed now and then.
 *
 * Owns: the processes, until `end`.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { spawnAs } from '../support/actor.js';
import { bundled } from '../support/programs.js';
import { Random } from '../support/random.js';
import type { Played, PlayerOrder } from './player.js';
import { Fault } from './session.js';
import type { Tally } from './tally.js';

const program = bundled('fuzz/player');
/** Users that the machine need not know; whoever watches is another one. */
const USERS = process.getuid?.() === 0 ? [61_001, 61_002, 61_001] : [null, null, null];
/** A process that does not answer in this time hangs. */
const PATIENCE_MS = 300_000;
/** In one round of so many a process is killed. */
const KILLS = 3;

class Player {
  /** From the first order on; null, too, when it was ended or killed: the next order is another one's. */
  #child: ChildProcess | null = null;

  constructor(
    private readonly user: number | null,
    private readonly target: string,
    private readonly socket: string,
  ) {}

  #start(): ChildProcess {
    const argv = [process.execPath, program, this.target, this.socket];
    return spawnAs(this.user, argv, ['ignore', 'inherit', 'inherit', 'ipc']);
  }

  /** What it has played; null where it was killed, as it was told. */
  async tell(order: PlayerOrder): Promise<Played | null> {
    // Who has ended has hung up.
    if (order.what === 'leave' && this.#child === null) return null;
    this.#child ??= this.#start();
    const child = this.#child;
    const killed = order.what === 'play' && order.killedAt !== null;
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    const answer = new Promise<Played | null>((resolve, reject) => {
      const exited = (code: number | null, signal: string | null) => {
        if (killed && signal === 'SIGKILL') resolve(null);
        else reject(new Fault(`a player ended with ${signal ?? code}`));
      };
      child.once('exit', exited);
      child.once('message', (played: Played) => {
        child.off('exit', exited);
        resolve(played);
      });
    });
    try {
      child.send(order);
      const played = await answer;
      if (played === null) this.#child = null;
      else if (played.fault !== null) throw new Fault(played.fault);
      return played;
    } finally {
      clearTimeout(late);
    }
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

export class Players {
  readonly #all: readonly Player[];

  /** `target`: `daemon`, the client socket, or `rest`. */
  constructor(target: 'daemon' | 'rest', socket: string) {
    this.#all = USERS.map((user) => new Player(user, target, socket));
  }

  /** Plays about so many messages, all at the same time; the connections are left open. */
  async play(seed: number, messages: number, tally: Tally): Promise<void> {
    const random = new Random(seed);
    const each = Math.ceil(messages / this.#all.length / 2);
    const victim = random.below(KILLS) === 0 ? random.below(this.#all.length) : -1;
    const dies = random.below(each);
    const seeds = this.#all.map(() => 1 + random.below(2 ** 31));
    let tokens: string[] = [];
    // In halves, so that what one has shared another can redeem.
    for (const half of [1, 2] as const) {
      const orders = this.#all.map(async (player, i) => {
        const killedAt = half === 2 && i === victim ? dies : null;
        const order = {
          what: 'play',
          seed: seeds[i] ?? 1,
          half,
          messages: each,
          killedAt,
          tokens,
        } as const;
        return player.tell(order);
      });
      tokens = (await this.#counted(orders, tally)).flatMap((played) => played.tokens);
    }
  }

  async leave(tally: Tally): Promise<void> {
    await this.#counted(
      this.#all.map((player) => player.tell({ what: 'leave' })),
      tally,
    );
  }

  /** Waits for all, so that none is in the midst of something when one has failed. */
  async #counted(orders: Promise<Played | null>[], tally: Tally): Promise<Played[]> {
    const settled = await Promise.allSettled(orders);
    const done: Played[] = [];
    for (const each of settled) {
      if (each.status === 'rejected') throw each.reason;
      if (each.value === null) continue;
      tally.merge(each.value.counts);
      done.push(each.value);
    }
    return done;
  }

  /** Ends the processes; who plays on has others. */
  async end(): Promise<void> {
    await Promise.all(this.#all.map((player) => player.end()));
  }
}
