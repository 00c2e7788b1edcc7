// Why: one place knows how User-Mode Linux is told to be our guest. The kernel is a program of the
// host's: it computes at the host's speed and pays for each system call (ptrace), where QEMU without
// KVM pays for each instruction.
import { FIRST_DESCRIPTOR, type Host, type MachineOptions, PORTS } from './machine.js';
import { repositoryRoot } from './paths.js';

/** The serial lines, in order: ttyS0 is the guest's control port, and so on (run-command.sh). */
const LINES = ['control', 'stdout', 'stderr', 'stdin'] as const;

export function umlCommand(
  { image, kernel }: Extract<Host, { kind: 'uml' }>,
  { memoryMegabytes, systemd, contiguousMegabytes }: MachineOptions,
): string[] {
  const descriptor = (port: (typeof PORTS)[number]): number =>
    FIRST_DESCRIPTOR + PORTS.indexOf(port);
  return [
    kernel.program,
    // Its processes' system calls are trapped by a filter, where the kernel has that (7) and the host allows it.
    'seccomp=auto',
    `mem=${memoryMegabytes}M`, // a sparse file in /dev/shm or $TMPDIR, unlinked at once
    `initrd=${image.initramfs}`,
    // r: read-only. c: no lock on the file, which QEMU may have open at the same time.
    `ubd0rc=${image.root}`,
    // Console 0 writes to the inherited socket; no other has a host's terminal or window.
    `con0=null,fd:${descriptor('console')}`,
    'con=null',
    ...LINES.map((port, line) => `ssl${line}=fd:${descriptor(port)}`),
    'ssl=null',
    // What the kernel does not know is a variable of process 1's: initramfs-init.sh reads these.
    `checkout=${quoted(repositoryRoot())}`,
    `modules=${quoted(kernel.modules)}`,
    ...(contiguousMegabytes > 0 ? [`cma=${contiguousMegabytes}M`] : []),
    'quiet',
    'panic=-1', // leave, where others would start anew
    ...(systemd ? ['dmabroker.systemd', 'systemd.unit=multi-user.target'] : []),
  ];
}

/** A value with spaces, as kernel parameters have it. */
function quoted(path: string): string {
  if (/["\\,\n]/.test(path)) {
    throw new RangeError(`The guest cannot have ${path}: a quote, a comma or a backslash is in it`);
  }
  return `"${path}"`;
}
