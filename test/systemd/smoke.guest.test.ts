/**
 * The units with Debian's own kernel and systemd, in QEMU: the service starts, serves and stops. The rest of its life is
 * service.test.ts, in User-Mode Linux.
 */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { sawService } from './service.js';

t.test('it starts, serves and stops', async (t) => {
  const script = ['test/systemd/service.sh', 'smoke'];
  const { status, stdout, stderr } = spawnSync('sh', script, { encoding: 'utf8' });
  t.equal(status, 0, stderr);
  sawService(t, stdout);
});
