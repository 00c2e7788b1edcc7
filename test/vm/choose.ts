// Why: a guest runs in User-Mode Linux where that starts, else in QEMU: with KVM where that works, else
// emulated. That a kernel was built, or that /dev/kvm opens, proves nothing (a container may forbid
// ptrace or files to be executed; with some KVMs QEMU aborts or the guest hangs): so a trial boot
// decides, whose result is kept in the cache for as long as machine and program are the same.
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { GuestImage } from './image.js';
import { builtKernel, ensureKernel, type FastKernel } from './kernel.js';
import type { Host } from './machine.js';
import { QEMU_PROGRAMS, requirePrograms, systemPath } from './packages.js';
import { say } from './say.js';
import { runSession } from './session.js';

/** A KVM that does not work hangs; User-Mode Linux says so, and is slow on a busy machine. */
const TRIAL_SECONDS = { uml: 60, kvm: 10, tcg: 90 };
const CHOICES = ['uml', 'qemu', 'kvm', 'tcg'] as const;
export type Choice = (typeof CHOICES)[number];

/** What DMABROKER_VM asks for: uml, qemu (with KVM or without), kvm or tcg. */
export function askedFor(): Choice | undefined {
  const asked = process.env.DMABROKER_VM;
  if (!asked) return undefined;
  const choice = CHOICES.find((each) => each === asked);
  if (choice === undefined) {
    throw new RangeError(`DMABROKER_VM is one of ${CHOICES.join(', ')}, not ${asked}`);
  }
  return choice;
}

/**
 * How the guest runs here. `choice` decides without a trial. `build`: User-Mode Linux is built if nobody
 * has yet (minutes); otherwise it is used where it is there already.
 */
export async function chooseHost(
  image: GuestImage,
  choice: Choice | undefined,
  build: boolean,
): Promise<Host> {
  if (choice === undefined || choice === 'uml') {
    const kernel = await fastKernel(choice === 'uml', build);
    if (kernel !== undefined) {
      const host: Host = { kind: 'uml', image, kernel };
      if (choice === 'uml' || (await boots(host, 'User-Mode Linux', kernel.program))) return host;
    }
  }
  requirePrograms(QEMU_PROGRAMS);
  if (choice === 'kvm' || choice === 'tcg') return { kind: choice, image };
  const host: Host = { kind: 'kvm', image };
  if (opens('/dev/kvm') && (await boots(host, '/dev/kvm', program('qemu-system-x86_64')))) {
    return host;
  }
  return { kind: 'tcg', image };
}

async function fastKernel(demanded: boolean, build: boolean): Promise<FastKernel | undefined> {
  if (!build && !demanded) return builtKernel();
  try {
    return await ensureKernel();
  } catch (error) {
    if (demanded) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    say(`QEMU, about five times slower, is used in place of User-Mode Linux: ${reason}`);
    return undefined;
  }
}

/** Whether a guest of that kind comes up; found out once for each boot of this machine. */
async function boots(host: Host, name: string, file: string): Promise<boolean> {
  const notes = join(host.image.folder, `trial-${host.kind}.json`);
  const machine = [
    readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    release(),
    cpus()[0]?.model ?? '',
    file,
    statSync(file).mtime.toISOString(),
  ].join(' | ');
  const known = remembered(notes);
  if (known?.machine === machine) return known.works;

  let works = false;
  let reason = '';
  try {
    const trial = await runSession(host, ['true'], { timeoutSeconds: TRIAL_SECONDS[host.kind] });
    works = trial.status === 0;
    reason = `status ${trial.status}`;
  } catch (error) {
    reason = (error instanceof Error ? error.message : String(error)).trimEnd();
  }
  if (works) say(`${name} works here`);
  else say(`${name} does not work here: ${reason.split('\n').at(-1)}`);
  try {
    writeFileSync(notes, `${JSON.stringify({ machine, works, reason }, null, 2)}\n`);
  } catch {
    // A read-only cache: the trial is made again next time.
  }
  return works;
}

function remembered(file: string): { machine: string; works: boolean } | undefined {
  try {
    const { machine, works } = JSON.parse(readFileSync(file, 'utf8'));
    return typeof works === 'boolean' ? { machine, works } : undefined;
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

/** Where a program is installed: a new version of it is tried anew. */
function program(name: string): string {
  const found = systemPath()
    .split(':')
    .map((folder) => join(folder, name))
    .find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}
