/**
 * Whether CPUs have had nothing to do lately: then one more file may run beside the others. What waits (for a guest's boot,
 * for a time that must pass, for one CPU of two) leaves a CPU to others, and nobody knows beforehand which file that is.
 */
import { readFileSync } from 'node:fs';

/** proc(5): jiffies of all CPUs, and those of them that were idle or waited for a disk. */
export function ticks(stat: string): { readonly all: number; readonly idle: number } {
  const fields = stat.slice(0, stat.indexOf('\n')).split(/ +/).slice(1, 9).map(Number);
  const [, , , idle = 0, iowait = 0] = fields;
  return { all: fields.reduce((sum, each) => sum + each, 0), idle: idle + iowait };
}

export class SpareCpu {
  #before = ticks(readFileSync('/proc/stat', 'utf8'));

  /** The share of the machine's CPU time that nobody used since the last call: 0 to 1. */
  share(): number {
    const now = ticks(readFileSync('/proc/stat', 'utf8'));
    const all = now.all - this.#before.all;
    const idle = now.idle - this.#before.idle;
    this.#before = now;
    return all === 0 ? 0 : idle / all;
  }
}
