/**
 * Who holds how much, for metrics. It is summed up from main's copy of the registry (mirror.ts): with
 * ten thousand buffers it takes milliseconds, for which no client is to wait.
 */
import type { BufferInfo } from '../../rest/contract.js';
import { type Holding, MAX_LABELS } from '../words/metrics.js';

type Held = Pick<BufferInfo, 'state' | 'size' | 'owner'>;

interface Sum {
  buffers: number;
  bytes: number;
}
type ByState = Map<string, Sum>;

function add(to: ByState, state: string, buffers: number, bytes: number): void {
  const sum = to.get(state);
  if (sum === undefined) to.set(state, { buffers, bytes });
  else {
    sum.buffers += buffers;
    sum.bytes += bytes;
  }
}

const bytesOf = (states: ByState) =>
  [...states.values()].reduce((sum, { bytes }) => sum + bytes, 0);

/** Sums buffers up by state and label; only those labels with most bytes have lines of their own. */
export function holdings(buffers: Iterable<Held>, labelOf: (buffer: Held) => string): Holding[] {
  const labels = new Map<string, ByState>();
  // Nothing is made for each buffer: there may be ten thousand at each scrape.
  for (const buffer of buffers) {
    const label = labelOf(buffer);
    let states = labels.get(label);
    if (states === undefined) {
      states = new Map();
      labels.set(label, states);
    }
    add(states, buffer.state, 1, buffer.size);
  }
  const sorted = [...labels].sort(([, a], [, b]) => bytesOf(b) - bytesOf(a));
  const other: ByState = new Map();
  for (const [, states] of sorted.slice(MAX_LABELS)) {
    for (const [state, sum] of states) add(other, state, sum.buffers, sum.bytes);
  }
  return [...sorted.slice(0, MAX_LABELS), ['other', other] as const].flatMap(([label, states]) =>
    [...states].map(([state, sum]) => ({ state, label, ...sum })),
  );
}
