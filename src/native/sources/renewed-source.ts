/** A memory source that is used as if its device were never lost: that of a Vulkan device, or of a GPU by CUDA. */
import type {
  Allocation,
  CheckedSpec,
  FormatOffer,
  HandleType,
  MemorySource,
  Plan,
} from '../../memory/source.js';
import { type Steps, toEnd } from '../../memory/steps.js';
import type { VulkanHandleType } from '../vulkan/usage.js';

/** What it has of its device (renewable.ts, renewable-cuda.ts). */
interface Renewable {
  /** The one that there is now; throws where there is none. */
  source(handleType: VulkanHandleType): Pick<MemorySource, 'plan' | 'free'> & {
    allocating(spec: CheckedSpec, id: string, also?: readonly HandleType[]): Steps<Allocation>;
  };
  formats(handleType: VulkanHandleType): readonly FormatOffer[];
  /** As in Losses. */
  attempt<T>(body: () => T): T;
  attempting<T>(body: () => Steps<T>): Steps<T>;
  forget(key: number): boolean;
}

export class RenewedSource implements MemorySource {
  constructor(
    readonly name: MemorySource['name'],
    private readonly device: Renewable,
    readonly handleType: VulkanHandleType,
  ) {}

  formats(): readonly FormatOffer[] {
    return this.device.formats(this.handleType);
  }

  plan(spec: CheckedSpec): Plan {
    const { device, handleType } = this;
    return device.attempt(() => device.source(handleType).plan(spec));
  }

  allocate(spec: CheckedSpec, id: string): Allocation {
    return toEnd(this.allocating(spec, id));
  }

  allocating(spec: CheckedSpec, id: string, also?: readonly HandleType[]): Steps<Allocation> {
    const { device, handleType } = this;
    return device.attempting(() => device.source(handleType).allocating(spec, id, also));
  }

  free(key: number): void {
    if (!this.device.forget(key)) this.device.source(this.handleType).free(key);
  }

  /** The device is closed as a whole. */
  close(): void {}
}
