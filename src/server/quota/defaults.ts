/**
 * The built-in limits that follow from the machine's memory.
 */
import { DEFAULT_RULES } from '../../broker/quota/policy.js';
import type { RuleId, Rules } from '../../broker/quota/rules.js';
import type { DeviceInfo } from '../control.js';

/**
 * The daemon may have half of the machine's memory, as tmpfs(5) allows itself (most sources are
 * shared memory, and none of it can be swapped while a device uses it), and beside it what a
 * discrete GPU has of its own. `vulkan` may have what its heaps have.
 */
export function machineRules(memory: number, device: DeviceInfo | null): Rules {
  const rules = new Map(DEFAULT_RULES);
  const heaps = device?.heaps ?? [];
  const total = (all: typeof heaps) => all.reduce((sum, { size }) => sum + size, 0);
  const own = device?.type === 'discrete_gpu' ? heaps.filter((heap) => heap.device_local) : [];
  rules.set('daemon/default', { bytes: Math.floor(memory / 2) + total(own) });
  const id: RuleId = 'source/vulkan';
  if (heaps.length > 0) rules.set(id, { bytes: total(heaps) });
  return rules;
}
