// Why: what tests import to run something in the guest. The parts are in the files beside it:
// image.ts and kernel.ts build it, choose.ts decides how it runs, session.ts is one boot.
import { askedFor, type Choice, chooseHost } from './choose.js';
import { ensureImage } from './image.js';
import type { Host } from './machine.js';
import { BOOT_PROGRAMS, requirePrograms } from './packages.js';
import { say } from './say.js';
import { GuestError, type GuestResult, runSession, type SessionOptions } from './session.js';

export type { Choice } from './choose.js';
export type { Host } from './machine.js';
export { GuestError, type GuestResult, type SessionOptions } from './session.js';

/** QEMU's TCG is not perfect, nor is a busy machine: see qemu.ts. */
const BOOT_ATTEMPTS = 2;

export interface Preparation {
  /** Instead of what DMABROKER_VM says, or of the best that works. */
  choice?: Choice | undefined;
  /** Whether to build User-Mode Linux where it is missing. Default: true. */
  build?: boolean;
}

/** Builds what is missing of the guest and finds out how it runs here. */
export async function prepareGuest({ choice, build = true }: Preparation = {}): Promise<Host> {
  requirePrograms(BOOT_PROGRAMS);
  return chooseHost(await ensureImage(), choice ?? askedFor(), build);
}

/**
 * Boots the guest, runs the command in /dmabroker (the checkout; what is written there is gone
 * afterwards) and ends the guest. A single argument is a shell command line, several are a
 * program and its arguments. Throws GuestError if the guest does not get to an exit status.
 */
export async function runInGuest(
  argv: readonly string[],
  options: SessionOptions & Preparation = {},
): Promise<GuestResult> {
  return runOn(await prepareGuest(options), argv, options);
}

/** The same in a guest that has been prepared. */
export async function runOn(
  host: Host,
  argv: readonly string[],
  options: SessionOptions = {},
): Promise<GuestResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runSession(host, argv, options);
    } catch (error) {
      if (!(error instanceof GuestError) || attempt === BOOT_ATTEMPTS) throw error;
      // Nothing of the command has run where the guest did not boot, so that a second boot cannot hide a fault of it. And
      // User-Mode Linux 6.12 fails where a clone(2) is interrupted (copy_process, exit_mmap, tlb_flush).
      const again = error.panicked && !options.stdin && !options.stdout && !options.stderr;
      if (error.booted && !again) throw error;
      const what = error.booted ? "the guest's kernel has failed" : 'the guest did not boot';
      say(`${what}; once more. ${lastLine(error)}`);
    }
  }
}

function lastLine(error: Error): string {
  return error.message.trimEnd().split('\n').at(-1) ?? '';
}
