/** What is wrong with a request on its own, whatever the device. Pure. */
import { BrokerError } from '../../memory/errors.js';
import type { MemorySpec } from '../../memory/source.js';
import { isUsage, type VulkanHandleType } from './usage.js';

/** Throws `invalid_argument` or `unsupported_handle_type`. */
export function checkSpec(spec: MemorySpec, handleType: VulkanHandleType): void {
  if (!isUsage(spec.usage)) {
    throw new BrokerError('invalid_argument', 'usage has unknown bits', {
      constraint: 'usage',
      requested: spec.usage,
    });
  }
  if (spec.kind === 'buffer') {
    positive('size', spec.size);
    return;
  }
  positive('width', spec.width);
  positive('height', spec.height);
  if (handleType === 'opaque_fd') {
    throw new BrokerError(
      'unsupported_handle_type',
      'images are exported as dma_bufs only: an opaque one has no layout that can be told',
      { constraint: 'handle_types', requested: 'opaque_fd', possible: ['dma_buf'] },
    );
  }
}

function positive(name: 'size' | 'width' | 'height', value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new BrokerError('invalid_argument', `${name} must be a positive integer`, {
    constraint: name,
    requested: value,
  });
}
