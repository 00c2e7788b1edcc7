/** Kept figures for tests of what is made of them. */
import type { Row } from '../../bench/support/bench.js';
import type { Results, Run } from '../../bench/support/results.js';

export const row = (of: Partial<Row> = {}): Row => ({
  case: 'sync, 1 connection, one CPU',
  what: 'p50 µs',
  better: 'less',
  sides: ['daemon', 'C'],
  values: [12, 14, 16],
  against: [10, 10, 10],
  ...of,
});

export const run = (rows: readonly Row[], of: Partial<Run> = {}): Run => ({
  commit: 'abc1234',
  command: 'npm run bench -- --machine=box roundtrip',
  rounds: 3,
  requests: 100,
  machine: {
    cpus: 16,
    model: 'A CPU',
    arch: 'x64',
    kernel: 'Linux 6',
    node: 'v20',
    load: [0.1, 0, 0],
  },
  guest: false,
  notes: [],
  rows,
  ...of,
});

export const results = (label: string, runs: Results['runs']): Results => ({
  label,
  about: 'idle',
  runs,
});
