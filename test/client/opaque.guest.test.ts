/**
 * An opaque_fd in the Vulkan device of another process, with what the client was told about it. The
 * program is the one that is run on GPUs (docs/hardware.md); here the driver is lavapipe.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';

t.test('what one process writes, the other finds', async (t) => {
  const program = join(packageRoot, 'dist', 'bench', 'hardware.js');
  // It ends with an error, which throws here, where a byte is wrong.
  const printed = execFileSync(process.execPath, [program, '--max=1'], { encoding: 'utf8' });
  const rows = printed.split('\n').filter((line) => /\| right \|$/.test(line));
  t.strictSame(
    rows.map((row) => row.split('|')[1]?.trim()),
    ['4 KiB', '64 KiB', '1 MiB'],
    printed,
  );
});
