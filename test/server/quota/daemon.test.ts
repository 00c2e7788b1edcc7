/** Quotas of a real daemon: set over REST, in force at once, kept over a restart. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { rejected } from '../../support/refused.js';

const uid = process.getuid?.() ?? 0;
const pages = (count: number) =>
  ({ kind: 'buffer', size: 4096 * count, handleTypes: ['memfd'] }) as const;

await withoutLeaks(t, 'quotas', async (t) => {
  await t.test(
    'a quota is in force, refuses with its reason, and outlives the daemon',
    async (t) => {
      const state = temporaryFolder(t);
      const env = { ...withoutVulkan, STATE_DIRECTORY: state };
      const first = await TestDaemon.start([], { env });
      const client = await connect({ socket: first.clientSocket });
      const held = await client.allocate(pages(10));
      const path = `/v1/quotas/user/${uid}`;
      const set = await first.rest('PUT', path, { bytes: 8 * 4096 });
      t.equal(set.status, 200);
      t.match(set.body, {
        over_limit: true,
        settings: { bytes: { value: 8 * 4096, from: 'rest' }, buffers: { from: 'default' } },
        charge: { bytes: 10 * 4096, buffers: 1, pending: 0 },
      });
      t.match(await rejected(client.allocate(pages(1))), {
        code: 'limit_exceeded',
        refusal: {
          constraint: 'quota.user.bytes',
          requested: 4096,
          possible: { max: 0 },
          quota: { scope: 'user', key: String(uid), limit: 8 * 4096, inUse: 10 * 4096 },
        },
      });
      t.match((await first.rest('GET', '/v1/users')).body, [{ uid, over_limit: true }]);
      await held.close();
      client.close();
      t.equal(await first.stop(), 0);

      const second = await TestDaemon.start([], { env });
      const other = await connect({ socket: second.clientSocket });
      const full = await other.allocate(pages(8));
      t.match(await rejected(other.allocate(pages(1))), { code: 'limit_exceeded' });
      const unset = await second.rest('DELETE', path);
      t.match(unset.body, { over_limit: false, settings: { bytes: { value: null } } });
      await (await other.allocate(pages(1))).close();
      await full.close();
      other.close();
      t.equal(await second.stop(), 0);
    },
  );

  await t.test('the configuration, and a damaged state file', async (t) => {
    const state = temporaryFolder(t);
    writeFileSync(join(state, 'quotas.json'), 'no JSON');
    const config = join(temporaryFolder(t), 'c.toml');
    writeFileSync(config, '[quotas.connection]\nbuffers = 1\n');
    const env = { ...withoutVulkan, STATE_DIRECTORY: state };
    const daemon = await TestDaemon.start(['--config', config], { env });
    const client = await connect({ socket: daemon.clientSocket });
    const held = await client.allocate(pages(1));
    const { refusal } = await rejected(client.allocate(pages(1)));
    t.match(refusal, { quota: { scope: 'connection', limit: 1, inUse: 1 } });
    const { body } = await daemon.rest('GET', '/healthz');
    t.match(body.warnings.join('\n'), /quotas\.json cannot be used/);
    await held.close();
    client.close();
    t.equal(await daemon.stop(), 0);
  });
});
