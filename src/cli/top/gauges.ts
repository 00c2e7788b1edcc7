/** What `top` shows a bar of: the daemon's memory, each user's against its limit, each heap's against its budget. */
import type { ListedDeviceInfo, QuotaInfo, UserInfo } from '../../rest/contract.js';
import type { Names } from '../names.js';
import { bytes, printable } from '../printable.js';
import type { Answers } from './answers.js';
import type { Gauge } from './bars.js';

interface Use {
  readonly bytes: number | null;
  readonly buffers: number | null;
  readonly fds: number | null;
}

/** At most so many; the last one then says how many are left out. */
export function gaugesOf({ daemon, users, devices, names }: Answers, most: number): Gauge[] {
  const first = daemon === null ? [] : [daemonGauge(daemon)];
  const heaps = devices.flatMap(heapGauges);
  const all = users.items.map((user) => userGauge(user, names));
  const left = most - first.length;
  // Users are why somebody looks; heaps get what they leave, and a third at least.
  const forHeaps = Math.min(heaps.length, Math.max(left - all.length, Math.floor(left / 3)));
  const shown = [...first, ...heaps.slice(0, forHeaps), ...all.slice(0, left - forHeaps)];
  const hidden = first.length + heaps.length + all.length - shown.length;
  if (hidden === 0 || shown.length === 0) return shown;
  const text = `and ${hidden + 1} more: 3 has users, \`devices\` heaps`;
  return [...shown.slice(0, -1), { label: '…', used: 0, limit: null, numbers: text }];
}

function daemonGauge({ charge, settings }: QuotaInfo): Gauge {
  const { bytes, buffers, fds } = settings;
  const limits = { bytes: bytes.value, buffers: buffers.value, fds: fds.value };
  return gauge('memory', charge ?? { bytes: 0, buffers: 0, fds: 0 }, limits, '');
}

function userGauge({ uid, name, charge, limits, over_limit }: UserInfo, names: Names): Gauge {
  return gauge(name ?? names.user(uid), charge, limits, over_limit ? '  over' : '');
}

function gauge(label: string, use: Use, limits: Use, further: string): Gauge {
  const counted = (what: 'buffers' | 'fds') => {
    const { [what]: limit } = limits;
    if (limit !== null) return `  ${use[what]}/${limit} ${what}`;
    return `  ${use[what]} ${use[what] === 1 ? what.slice(0, -1) : what}`;
  };
  const used = use.bytes ?? 0;
  return {
    label: printable(label),
    used,
    limit: limits.bytes,
    numbers: `${ofLimit(used, limits.bytes)}${counted('buffers')}${counted('fds')}${further}`,
  };
}

/** Those whose driver tells a budget: the others have nothing that they could be near. */
function heapGauges({ name, heaps }: ListedDeviceInfo): Gauge[] {
  return (heaps ?? []).flatMap(({ index, budget, usage }) =>
    budget === null || usage === null
      ? []
      : [
          {
            label: printable(`heap ${index} of ${name}`),
            used: usage,
            limit: budget,
            numbers: `${ofLimit(usage, budget)} budget`,
          },
        ],
  );
}

const ofLimit = (used: number, limit: number | null) =>
  `${bytes(used)} / ${limit === null ? 'no limit' : bytes(limit)}`;
