/** Vulkan where ffi-rs alone is the door to C: what is tested of it by both doors, once more. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../../src/package-root.js';

// As the guest runs them (scripts/build.sh).
const bundled = join(packageRoot, 'dist/bundle-tests/native');

for (const name of ['sources/vulkan', 'vulkan/zero', 'dmabuf']) {
  t.test(name, async (t) => {
    const path = join(bundled, `${name}.guest.test.js`);
    const env = { ...process.env, DMABROKER_DOOR: 'ffi-rs' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
      encoding: 'utf8',
      env,
    });
    t.equal(status, 0, status === 0 ? 'passes' : `${stdout}${stderr}`);
    t.match(stdout, /^# \{ total: \d+, pass: \d+ \}$/m, 'nothing was left out');
  });
}
