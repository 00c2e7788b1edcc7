// Why: what tests import to run something in the guest. The parts are in the files beside it:
// image.ts builds it, accelerator.ts chooses how it runs, session.ts is one boot.
import { chooseAccelerator } from './accelerator.js';
import { ensureImage, type GuestImage } from './image.js';
import { BOOT_PROGRAMS, requirePrograms } from './packages.js';
import type { Accelerator } from './qemu.js';
import { GuestError, type GuestResult, runSession, type SessionOptions } from './session.js';

export { GuestError, type GuestResult, type SessionOptions } from './session.js';

/** QEMU's TCG is not perfect, nor is a busy machine: see qemu.ts. */
const BOOT_ATTEMPTS = 2;

export interface PreparedGuest {
  image: GuestImage;
  accelerator: Accelerator;
}

/** Builds the guest if it is missing and finds out how it runs here. */
export async function prepareGuest(): Promise<PreparedGuest> {
  requirePrograms(BOOT_PROGRAMS);
  const image = await ensureImage();
  return { image, accelerator: await chooseAccelerator(image) };
}

/**
 * Boots the guest, runs the command in /dmabroker (the checkout; what is written there is gone
 * afterwards) and ends the guest. A single argument is a shell command line, several are a
 * program and its arguments. Throws GuestError if the guest does not get to an exit status.
 */
export async function runInGuest(
  argv: readonly string[],
  options: SessionOptions = {},
): Promise<GuestResult> {
  const { image, accelerator } = await prepareGuest();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runSession(image, accelerator, argv, options);
    } catch (error) {
      // Nothing of the command has run then, so that a second boot cannot hide a fault of it.
      if (!(error instanceof GuestError) || error.booted || attempt === BOOT_ATTEMPTS) throw error;
      process.stderr.write(`vm: the guest did not boot; once more. ${lastLine(error)}\n`);
    }
  }
}

function lastLine(error: Error): string {
  return error.message.trimEnd().split('\n').at(-1) ?? '';
}
