/** What is aimed at, and which row tells whether it is met. One list: the document's table is made of it. */
import { ALLOCATED, LIBRARY, RAW } from '../cases/allocate.js';
import { besideOf, FLOODED } from '../cases/beside.js';
import { SPARE_CASE, VULKAN_CASE } from '../cases/dma-buf.js';
import { BROKERS, caseOf } from '../cases/field.js';
import type { Row } from './bench.js';
import { judged, type Spread } from './report.js';
import type { Results } from './results.js';

export interface Target {
  /** What is divided by what. */
  readonly what: string;
  readonly bench: string;
  readonly case: string;
  /** The row's `what`. */
  readonly figure: string;
  readonly sides: readonly [string, string];
  readonly limit: number;
  /** Whether the ratio is to be no more than the limit, or no less. */
  readonly is: 'at most' | 'at least';
}

const most = (limit: number) => ({ limit, is: 'at most' }) as const;
const toC = ['daemon', 'C'] as const;
const one = 'connection, one CPU';

export const TARGETS: readonly Target[] = [
  {
    what: 'sync, p50, one CPU / C',
    bench: 'roundtrip',
    case: `sync, 1 ${one}`,
    figure: 'p50 µs',
    sides: toC,
    ...most(1.5),
  },
  {
    what: 'redeem, p50, one CPU / C',
    bench: 'roundtrip',
    case: `redeem, 1 ${one}`,
    figure: 'p50 µs',
    sides: toC,
    ...most(2),
  },
  {
    what: 'redeem, 8 connections, throughput / C',
    bench: 'roundtrip',
    case: 'redeem, 8 connections',
    figure: 'thousand/s',
    sides: toC,
    limit: 0.6,
    is: 'at least',
  },
  {
    what: 'redeem, 8 connections, p99 / C',
    bench: 'roundtrip',
    case: 'redeem, 8 connections',
    figure: 'p99 µs',
    sides: toC,
    ...most(3),
  },
  {
    what: '4 KiB memfd, raw client / C',
    bench: 'allocate',
    case: ALLOCATED,
    figure: 'p50 µs',
    sides: [RAW, 'C'],
    ...most(2),
  },
  {
    what: 'a spare of 8 MiB dma_buf / C with a ready fd',
    bench: 'dma-buf',
    case: SPARE_CASE,
    figure: 'p50 µs',
    sides: toC,
    ...most(2),
  },
  {
    what: '4 KiB memfd, client library / raw client',
    bench: 'allocate',
    case: ALLOCATED,
    figure: 'p50 µs',
    sides: [LIBRARY, RAW],
    ...most(1.5),
  },
  {
    what: '64 MiB dma_buf / the same Vulkan calls in C',
    bench: 'dma-buf',
    case: VULKAN_CASE,
    figure: 'p50 µs',
    sides: toC,
    ...most(1.1),
  },
  ...(['memfd', 'opaque_fd'] as const).map(
    (type): Target => ({
      what: `hand-off, p99, beside another user's 1 GiB of ${type} / quiet`,
      bench: 'neighbour',
      case: besideOf(type),
      figure: 'p99 µs',
      sides: ['beside', 'quiet'],
      ...most(1.5),
    }),
  ),
  {
    what: "hand-off, p99, beside another user's 1 GiB of dma_buf / quiet",
    bench: 'neighbour-dma-buf',
    case: besideOf('dma_buf'),
    figure: 'p99 µs',
    sides: ['beside', 'quiet'],
    ...most(1.5),
  },
  {
    what: 'hand-off, p99, while REST is flooded / quiet',
    bench: 'rest-flood',
    case: FLOODED,
    figure: 'p99 µs',
    sides: ['flooded', 'quiet'],
    ...most(1.5),
  },
  ...BROKERS.map(
    (broker): Target => ({
      what: `${caseOf(broker)} (${broker.peer})`,
      bench: 'field',
      case: caseOf(broker),
      figure: 'p50 µs',
      sides: ['daemon', broker.peer],
      ...most(1),
    }),
  ),
];

export const isMet = ({ limit, is }: Target, { median }: Spread): boolean =>
  is === 'at most' ? median <= limit : median >= limit;

/** The figure of a target on a machine; null where it was not measured there. */
export function foundOf(target: Target, { runs }: Results): Spread | null {
  const wanted = (row: Row) =>
    row.case === target.case &&
    row.what === target.figure &&
    row.sides[0] === target.sides[0] &&
    row.sides[1] === target.sides[1];
  const row = runs[target.bench]?.rows.find(wanted);
  return row === undefined ? null : judged(row);
}
