/**
 * Is memory short? The machine's by the kernel's pressure stall information
 * (/proc/pressure/memory; Documentation/accounting/psi.rst), the Vulkan heaps' by their budgets. It
 * is read every few seconds: a trigger on the file would need CAP_SYS_RESOURCE before Linux 6.1.
 */
import { readFileSync } from 'node:fs';
import type { DeviceInfo } from '../../rest/contract.js';
import type { Config } from '../config/config.js';

const INTERVAL_MS = 2000;

/** `some`'s avg10; null where the text has none. */
export function someAvg10(text: string): number | null {
  const [, value] = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text) ?? [];
  return value === undefined ? null : Number(value);
}

/** Whether some heap, or CUDA's memory, is used beyond that part of what there is for this process. */
export function overBudget(
  {
    heaps,
    cuda,
  }: Pick<DeviceInfo, 'heaps'> & {
    readonly cuda: Pick<NonNullable<DeviceInfo['cuda']>, 'free' | 'allocated'> | null;
  },
  part: number,
): boolean {
  const left = cuda?.free ?? null;
  if (cuda !== null && left !== null && cuda.allocated > (left + cuda.allocated) * part)
    return true;
  return heaps.some(
    ({ budget, usage }) => budget !== null && usage !== null && usage > budget * part,
  );
}

/** What it looks at and whom it tells; a test brings its own. */
export interface PressureWorld {
  /** The text of /proc/pressure/memory; null where the kernel has none (CONFIG_PSI). */
  psi(): string | null;
  device(): Promise<DeviceInfo | null>;
  pressed(sources: readonly string[] | null, seconds: number): Promise<unknown>;
  relieved(sources: readonly string[] | null): Promise<unknown>;
  log(text: string, fields: object): void;
}

export class PressureWatch {
  #timer: NodeJS.Timeout | null = null;
  #machine = false;
  #heap = false;
  #looking: Promise<void> | null = null;

  constructor(
    private readonly config: Config['pressure'],
    private readonly world: PressureWorld,
    private readonly failed: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.look()
        .catch(this.failed)
        .finally(() => {
          this.#looking = null;
        });
    }, INTERVAL_MS).unref();
  }

  /** Resolves when nothing is being asked any more. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  async look(): Promise<void> {
    const { psiSomeAvg10, heapBudget } = this.config;
    const some = someAvg10(this.world.psi() ?? '') ?? 0;
    this.#machine = await this.#tell(some > psiSomeAvg10, this.#machine, null, {
      some_avg10: some,
    });
    const device = await this.world.device();
    const { heaps, cuda } = device ?? { heaps: [], cuda: null };
    const over = overBudget({ heaps, cuda }, heapBudget);
    this.#heap = await this.#tell(over, this.#heap, ['vulkan', 'cuda'], { heaps, cuda });
  }

  async #tell(now: boolean, before: boolean, sources: string[] | null, fields: object) {
    if (now) await this.world.pressed(sources, this.config.deadlineSeconds);
    else if (before) await this.world.relieved(sources);
    if (now !== before) {
      const text = now ? 'memory is short: buffers are recalled' : 'memory is no longer short';
      this.world.log(text, { sources, ...fields });
    }
    return now;
  }
}

export function readPsi(): string | null {
  try {
    return readFileSync('/proc/pressure/memory', 'utf8');
  } catch {
    // ENOENT without CONFIG_PSI, EOPNOTSUPP with psi=0.
    return null;
  }
}
