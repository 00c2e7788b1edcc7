/**
 * A process that plays sessions against a daemon, as whichever user it was started, and is killed in their
 * midst when that was chosen: `player.js TARGET SOCKET`; what it does is told over IPC.
 */
import { Random } from '../support/random.js';
import { Fds } from './fds.js';
import { Fault, Session } from './session.js';
import { SocketLine } from './socket-line.js';
import { type Counts, type Playable, Tally } from './tally.js';

export type PlayerOrder =
  | {
      readonly what: 'play';
      readonly seed: number;
      readonly half: 1 | 2;
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

const [target = '', socket = ''] = process.argv.slice(2);
const tokens: string[] = [];
const fds = new Fds();
/** From the first order of a round on; the second one goes on with it. */
let random = new Random(1);
let tally = new Tally();
const start = target === 'rest' ? await restSessions() : clientSessions();
const live: Playable[] = [];

function clientSessions(): () => Playable {
  const lines = new Map<Playable, SocketLine>();
  return () => {
    const open = [...lines.values()].filter((line) => !line.over).map(({ fd }) => fd);
    const line = new SocketLine(socket, fds, open);
    const session = new Session(random, line, tokens);
    for (const [known, { over }] of lines) if (over) lines.delete(known);
    lines.set(session, line);
    return session;
  };
}

/** Its modules read openapi.yaml, which takes a while. */
async function restSessions(): Promise<() => Playable> {
  const { HttpSession } = await import('./http-session.js');
  const { Model } = await import('../server/http/support/requests.js');
  let model = new Model();
  let round = random;
  return () => {
    if (round !== random) model = new Model();
    round = random;
    return new HttpSession(random, socket, model, fds);
  };
}

function play(messages: number, killedAt: number | null): void {
  for (let sent = 0; sent < messages; ) {
    if (live.length < AT_A_TIME) live.push(start());
    const session = live[random.below(live.length)] as Playable;
    const before = session.messages;
    if (!session.step()) {
      live.splice(live.indexOf(session), 1);
      tally.add(session);
    }
    sent += Math.max(1, session.messages - before);
    if (killedAt !== null && sent >= killedAt) process.kill(process.pid, 'SIGKILL');
  }
}

function leave(): void {
  for (const session of live.splice(0)) {
    session.end();
    tally.add(session);
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
      if (order.half === 1) random = new Random(order.seed);
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
