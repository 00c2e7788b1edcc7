/**
 * What signals mean to the daemon; docs/audit.md has the whole table. They are the main thread's,
 * whichever thread the kernel interrupts for one.
 *
 * SIGUSR1 is Node's for its debugger, which evaluates code for whoever connects: a listener takes it
 * over, and bin/dmabrokerd.js has one before anything else is loaded. One that came earlier still is
 * what `closeDebugger` is for.
 */
import inspector from 'node:inspector';

export interface Meanings {
  /** End in order; called once more, at once. */
  readonly stop: (signal: NodeJS.Signals) => void;
  /** Read the configuration again. */
  readonly reload: () => void;
  /** It means nothing, and would end or open the daemon by default. */
  readonly ignored: (signal: NodeJS.Signals) => void;
}

export function onSignals({ stop, reload, ignored }: Meanings): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, ignored);
  process.on('SIGHUP', reload);
}

/** Whether somebody has started it with a debugger. */
function wantsDebugger(): boolean {
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')];
  return given.some((option) => /^--inspect(-brk|-wait)?(=|$)/.test(option));
}

/** Closes a debugger that nobody has asked for at the start. */
export function closeDebugger(): void {
  if (inspector.url() !== undefined && !wantsDebugger()) inspector.close();
}
