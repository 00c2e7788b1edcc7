// Why: what tests import to run something in the guest. The parts are in the files beside it:
// image.ts builds it, accelerator.ts chooses how it runs, session.ts is one boot.
import { chooseAccelerator } from './accelerator.js';
import { ensureImage, type GuestImage } from './image.js';
import { BOOT_PROGRAMS, requirePrograms } from './packages.js';
import type { Accelerator } from './qemu.js';
import { type GuestResult, runSession, type SessionOptions } from './session.js';

export { GuestError, type GuestResult, type SessionOptions } from './session.js';

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
  return runSession(image, accelerator, argv, options);
}
