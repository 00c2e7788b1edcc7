/**
 * Half of the tests that need a real dma_buf, in a guest of its own: its TAP is this program's, for
 * the host's runner to read. One guest keeps little more than one CPU busy: two get more out of the
 * two that a small machine has.
 */
import { runInGuest } from './vm.js';

export async function runHalf(half: 1 | 2): Promise<void> {
  const { status } = await runInGuest(['node', 'dist/test/vm/suite.js', `--half=${half}`], {
    timeoutSeconds: 3600,
    stdout: process.stdout,
    stderr: process.stderr,
  });
  process.exitCode = status;
}
