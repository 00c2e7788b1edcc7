/**
 * A process that plays sessions against a daemon, as whichever user it was started, and is killed in their
 * midst when that was chosen: `player.js CLIENT-SOCKET`; what it does is told over IPC.
 */
import { Random } from '../support/random.js';
import { Fds } from './fds.js';
import { Fault, Session } from './session.js';
import { SocketLine } from './socket-line.js';
import { type Counts, Tally } from './tally.js';

export type PlayerOrder =
  | {
      readonly what: 'play';
      readonly seed: number;
      readonly messages: number;
      /** Of others, to be redeemed here. */
      readonly tokens: readonly string[];
      /** After so many messages the process kills itself, whatever is on its way. */
      readonly killedAt: number | null;
    }
  /** Hangs up. */
  | { readonly what: 'leave' };

export interface Played {
  readonly counts: Counts;
  readonly tokens: readonly string[];
  readonly fault: string | null;
}

/** Sessions at a time. */
const AT_A_TIME = 3;

const [socket = ''] = process.argv.slice(2);
const live = new Map<Session, SocketLine>();
const ends = new Set<number>();
const tokens: string[] = [];
const fds = new Fds();
/** From the first order of a round on; the second one goes on with it. */
let random = new Random(1);
let tally = new Tally();

function ended(session: Session, line: SocketLine): void {
  live.delete(session);
  ends.delete(line.fd);
  tally.add(session);
}

function play(messages: number, killedAt: number | null): void {
  for (let sent = 0; sent < messages; ) {
    if (live.size < AT_A_TIME) {
      const line = new SocketLine(socket, fds, ends);
      ends.add(line.fd);
      live.set(new Session(random, line, tokens), line);
    }
    const [session, line] = [...live][random.below(live.size)] as [Session, SocketLine];
    const before = session.messages;
    if (!session.step()) ended(session, line);
    sent += Math.max(1, session.messages - before);
    if (killedAt !== null && sent >= killedAt) process.kill(process.pid, 'SIGKILL');
  }
}

function leave(): void {
  for (const [session, line] of live) {
    session.end();
    ended(session, line);
  }
  fds.close();
  tokens.length = 0;
}

function guarded(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

process.on('message', (order: PlayerOrder) => {
  const fault = guarded(() => {
    if (order.what === 'leave') leave();
    else {
      if (live.size === 0) random = new Random(order.seed);
      tokens.push(...order.tokens);
      play(order.messages, order.killedAt);
      fds.close();
    }
  });
  const { counts } = tally;
  tally = new Tally();
  process.send?.({ counts, tokens: tokens.slice(-8), fault } satisfies Played);
});
process.on('disconnect', () => process.exit());
