/**
 * What the daemon tells the service manager (sd_notify(3)): that it serves, reloads, stops, is alive; and what the
 * manager asks for in its environment. Without a manager nobody is told. Owns nothing.
 */
import { messageOf } from '../../memory/errors.js';
import { monotonicMicroseconds } from '../../native/clock.js';
import { notify } from '../../native/systemd.js';

export interface Manager {
  /** It serves; also the end of a reload. */
  ready(status: string): void;
  /** It reads its configuration again; `ready` follows, whatever becomes of it. */
  reloading(): void;
  stopping(): void;
  /** For the watchdog. */
  alive(): void;
  /** A line for `systemctl status`. */
  status(text: string): void;
}

/** A manager that cannot be told does not keep the daemon from its work: `failed` is told what and why. */
export function serviceManager(
  failed: (what: string, reason: string) => void,
  tell: (state: string) => unknown = notify,
): Manager {
  const say = (first: string, ...more: readonly string[]) => {
    try {
      tell([first, ...more].join('\n'));
    } catch (error) {
      failed(first, messageOf(error));
    }
  };
  return {
    ready: (status) => say('READY=1', statusLine(status)),
    // Later than the manager's signal, by which it knows whose answer this is.
    reloading: () => say('RELOADING=1', `MONOTONIC_USEC=${monotonicMicroseconds()}`),
    stopping: () => say('STOPPING=1', statusLine('releasing what clients have')),
    alive: () => say('WATCHDOG=1'),
    status: (text) => say(statusLine(text)),
  };
}

/** An assignment is a line; what a configuration's error quotes may have more. */
const statusLine = (text: string) => `STATUS=${text.replaceAll(/\s+/g, ' ')}`;

/**
 * Within how many milliseconds the manager wants to hear that the process is alive (sd_watchdog_enabled(3)); null: it
 * does not ask this one.
 */
export function watchdogMs(env: NodeJS.ProcessEnv, pid = process.pid): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: whose } = env;
  if (usec === undefined || !/^\d{1,15}$/.test(usec) || Number(usec) === 0) return null;
  if (whose !== undefined && whose !== `${pid}`) return null;
  return Number(usec) / 1000;
}
