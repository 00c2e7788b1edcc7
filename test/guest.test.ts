/**
 * The tests that need a real dma_buf, in the guest: its TAP is this program's, for the host's
 * runner to read. (`npm run vm -- node dist/test/vm/suite.js [file…]` runs them by hand.)
 */
import { runInGuest } from './vm/vm.js';

const { status } = await runInGuest(['node', 'dist/test/vm/suite.js'], {
  timeoutSeconds: 3600,
  stdout: process.stdout,
  stderr: process.stderr,
});
process.exitCode = status;
