/** A lease with the real daemon: it ends by itself, is recalled before, and can be renewed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { rejected } from '../support/refused.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

t.test('leases', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const fds = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ ...linear, lifetime: { lease: 1 } });
  t.ok(buffer.leaseEnds !== null);
  const other = await connect({ socket: daemon.clientSocket });
  const plain = await other.redeem(await buffer.share());
  t.equal((await rejected(plain.renew(60))).code, 'permission_denied');
  const allowed = await other.redeem(await buffer.share({ mayRenew: true }));

  // Nobody speaks to the daemon meanwhile: it wakes by itself.
  await eventually(() => allowed.recalled?.reason === 'lease_expired', 'it is recalled');
  await allowed.renew(1);
  t.equal(allowed.recalled, null);
  await client.sync();
  t.equal(buffer.recalled, null, 'the owner is told of the renewal');
  await eventually(() => buffer.released === 'lease_expired', 'the broker lets go');
  buffer.map().write((bytes) => bytes.fill(1));
  t.equal(
    plain.map().read((bytes) => bytes[0]),
    1,
    'who has the memory keeps it',
  );
  client.close();
  other.close();
  for (const each of [buffer, plain, allowed]) await each.close().catch(() => {});
  await daemon.settled(fds);
});

t.test('the period of grace is a setting', async (t) => {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  writeFileSync(file, '[leases]\ngrace_seconds = 1000\n');
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ ...linear, lifetime: { lease: 1 } });
  await eventually(() => buffer.recalled !== null, 'it is recalled');
  const left = (buffer.recalled?.deadline.getTime() ?? 0) - Date.now();
  t.ok(left > 500_000 && left <= 1_000_000, `${left} ms are left`);
  client.close();
});
