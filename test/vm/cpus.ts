// Why: User-Mode Linux has one CPU, but is several processes of the host: its kernel's, and one for each of its
// own. Each waits for another, so that at most one runs. On two CPUs a change between them wakes one that
// sleeps, which on a virtual machine costs more than what it is woken for: 2.3 times the CPU seconds were
// measured, and 3.5 times the time. So a guest stays on one CPU, and this file says on which: where the fewest
// others are. Who is where the kernel tells (proc(5)), whoever has started them.
import { readdirSync, readFileSync } from 'node:fs';

/** Guests of this process that are not seen as such yet: what becomes one is another program first. */
const begun = new Map<number, number>();

/** Notes where a guest was started. Its process id is that of its kernel. */
export function beganOn(pid: number, cpu: number): void {
  begun.set(pid, cpu);
}

/** The CPU for the next guest; undefined where there is no choice. */
export function cpuForGuest(): number | undefined {
  const guests = new Map<number, number>();
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  for (const [pid, cpu] of begun) {
    if (pids.includes(`${pid}`)) guests.set(pid, cpu);
    else begun.delete(pid);
  }
  for (const pid of pids) {
    const cpu = cpuOfGuest(statusOf(pid));
    if (cpu !== undefined) guests.set(Number(pid), cpu);
  }
  return quietest(allowed(statusOf('self')), [...guests.values()]);
}

/** That of the CPUs which has the fewest of the guests; undefined where there is no choice. */
export function quietest(cpus: readonly number[], guests: readonly number[]): number | undefined {
  if (cpus.length < 2) return undefined;
  const on = (cpu: number) => guests.filter((each) => each === cpu).length;
  return cpus.reduce((least, cpu) => (on(cpu) < on(least) ? cpu : least));
}

/** Where a process is kept that is the kernel of a guest: it has that name, and leads its process group (machine.ts). */
export function cpuOfGuest(status: string): number | undefined {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  if (field('Name') !== 'linux' || field('NSpgid') !== field('NStgid')) return undefined;
  const [cpu, ...others] = allowed(status);
  return others.length === 0 ? cpu : undefined;
}

/** The CPUs on which a process may be: `0-2,5`, as numbers. */
export function allowed(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  return (list?.split(',') ?? []).flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** What proc(5) tells of a process; nothing of one that has ended. */
export function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
