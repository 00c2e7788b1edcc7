/**
 * Who holds how much, for metrics. It is summed up from main's copy of the registry (mirror.ts): with
 * ten thousand buffers it takes milliseconds, for which no client is to wait.
 */
import type { BufferInfo } from '../../rest/contract.js';
import { type Holding, MAX_LABELS } from '../words/metrics.js';

type Held = Pick<BufferInfo, 'state' | 'size' | 'owner'>;

/** Sums buffers up by state and label; only those labels with most bytes have lines of their own. */
export function holdings(buffers: Iterable<Held>, labelOf: (buffer: Held) => string): Holding[] {
  const all = [...buffers].map((buffer) => ({ buffer, label: labelOf(buffer) }));
  const totals = new Map<string, number>();
  for (const { buffer, label } of all) {
    totals.set(label, (totals.get(label) ?? 0) + buffer.size);
  }
  const own = new Set(
    [...totals]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MAX_LABELS)
      .map(([label]) => label),
  );
  const sums = new Map<string, { state: string; label: string; buffers: number; bytes: number }>();
  for (const { buffer, label: full } of all) {
    const label = own.has(full) ? full : 'other';
    const { state } = buffer;
    const key = `${state} ${label}`;
    const sum = sums.get(key) ?? { state, label, buffers: 0, bytes: 0 };
    sum.buffers++;
    sum.bytes += buffer.size;
    sums.set(key, sum);
  }
  return [...sums.values()];
}
