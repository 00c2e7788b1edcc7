/**
 * The daemon with a shim that the compiler's sanitizers watch (scripts/build-sanitized.sh). What they find ends
 * it, and their report is on its standard error.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export interface Sanitized {
  /** In place of bin/dmabrokerd.js. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

/** As scripts/build-sanitized.sh says it. */
const NO_SANITIZERS = 4;

const OPTIONS = [
  // Node leaks on purpose what it needs to its end.
  'detect_leaks=0',
  'abort_on_error=1',
  // Freed memory is kept for a while; by default 256 MiB of it, which would hide what the daemon keeps.
  'quarantine_size_mb=4',
  'malloc_context_size=8',
];

/** Builds it; null where the compiler has no sanitizers. */
export function buildSanitized(): Sanitized | null {
  const script = join(packageRoot, 'scripts/build-sanitized.sh');
  const { status, stderr } = spawnSync('bash', [script], { encoding: 'utf8' });
  if (status === NO_SANITIZERS) return null;
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  const library = (name: string) =>
    execFileSync(process.env.CC ?? 'cc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return {
    program: join(packageRoot, 'dist/bundle-sanitized/bin/dmabrokerd.js'),
    env: {
      LD_PRELOAD: `${library('libasan.so')}:${library('libubsan.so')}`,
      ASAN_OPTIONS: OPTIONS.join(':'),
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:abort_on_error=1',
    },
  };
}
