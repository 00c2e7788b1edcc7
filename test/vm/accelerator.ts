// Why: KVM makes the guest fast, but a /dev/kvm that opens proves nothing: with some, QEMU aborts
// or the kernel hangs at its first instructions. So KVM is used only after a trial boot, whose
// result is kept in the cache for as long as machine, kernel and QEMU are the same.
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { GuestImage } from './image.js';
import { systemPath } from './packages.js';
import type { Accelerator } from './qemu.js';
import { runSession } from './session.js';

const TRIAL_SECONDS = 10;

/** KVM where it works, else TCG; DMABROKER_VM_ACCEL decides without a trial. */
export async function chooseAccelerator(image: GuestImage): Promise<Accelerator> {
  const forced = process.env.DMABROKER_VM_ACCEL;
  if (forced === 'tcg' || forced === 'kvm') return forced;
  if (forced) throw new RangeError(`DMABROKER_VM_ACCEL is tcg or kvm, not ${forced}`);
  if (!opens('/dev/kvm')) return 'tcg';

  const file = join(image.folder, 'accelerator.json');
  const machine = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), release()]
    .concat(cpus()[0]?.model ?? '', qemuDate())
    .join(' | ');
  const known = remembered(file);
  if (known?.machine === machine) return known.accelerator;

  const accelerator = (await kvmBoots(image)) ? 'kvm' : 'tcg';
  process.stderr.write(`vm: /dev/kvm ${accelerator === 'kvm' ? 'works' : 'does not work'} here\n`);
  try {
    writeFileSync(file, `${JSON.stringify({ machine, accelerator }, null, 2)}\n`);
  } catch {
    // A read-only cache: the trial is made again next time.
  }
  return accelerator;
}

async function kvmBoots(image: GuestImage): Promise<boolean> {
  try {
    const trial = await runSession(image, 'kvm', ['true'], { timeoutSeconds: TRIAL_SECONDS });
    return trial.status === 0;
  } catch {
    return false;
  }
}

function remembered(file: string): { machine: string; accelerator: Accelerator } | undefined {
  try {
    const { machine, accelerator } = JSON.parse(readFileSync(file, 'utf8'));
    return accelerator === 'kvm' || accelerator === 'tcg' ? { machine, accelerator } : undefined;
  } catch {
    return undefined;
  }
}

function opens(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** When QEMU's program was installed: a new version is tried anew. */
function qemuDate(): string {
  for (const folder of systemPath().split(':')) {
    const found = statSync(join(folder, 'qemu-system-x86_64'), { throwIfNoEntry: false });
    if (found !== undefined) return found.mtime.toISOString();
  }
  return '';
}
