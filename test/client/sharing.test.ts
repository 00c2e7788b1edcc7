/** Sharing between processes, and what is left of a buffer when it is released or its owner leaves. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { programFile } from '../support/programs.js';
import { rejected } from '../support/refused.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const kept = { ...linear, lifetime: 'until_released' } as const;
const redeemer = programFile('redeemer');
const run = promisify(execFile);

await withoutLeaks(t, 'sharing', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const socket = daemon.clientSocket;

  /** Redeems in another process, which ends by itself. */
  const redeemElsewhere = async (token: string) => {
    const { stdout } = await run(process.execPath, [redeemer, socket, token]);
    return JSON.parse(stdout) as { id: string; size: number; text: string };
  };

  await t.test('another process gets the same memory', async (t) => {
    const client = await connect({ socket });
    const buffer = await client.allocate(linear);
    const memory = buffer.map();
    memory.write((bytes) => bytes.write('hello'));
    const token = await buffer.share({ uid: process.getuid?.() ?? 0, seconds: 60 });
    const { id, size } = buffer;
    t.same(await redeemElsewhere(token), { id, size, text: 'hello' });
    t.equal(
      memory.read((bytes) => bytes.toString('latin1', 5, 9)),
      'back',
    );
    t.equal((await rejected(client.redeem(token))).code, 'invalid_token', 'it was used');
    const forAnother = await buffer.share({ uid: (process.getuid?.() ?? 0) + 1 });
    t.equal((await rejected(client.redeem(forAnother))).code, 'invalid_token');
    client.close();
    await buffer.close().catch(() => {});
  });

  await t.test('released by its owner', async (t) => {
    const [owner, other] = [await connect({ socket }), await connect({ socket })];
    const given = await owner.allocate(kept);
    const taken = await other.redeem(await given.share());
    taken.map().write((bytes) => bytes.write('mine'));
    t.equal(taken.released, null);
    await given.release();
    await other.sync();
    t.equal(taken.released, 'owner');
    t.equal(taken.map().bytes.toString('latin1', 0, 4), 'mine', 'its memory stays');
    t.equal((await rejected(taken.share())).code, 'not_found');
    await taken.close();
    owner.close();
    other.close();
  });

  await t.test('released over REST', async (t) => {
    const owner = await connect({ socket });
    const buffer = await owner.allocate(linear);
    const { status } = await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    t.equal(status, 204);
    await owner.sync();
    t.equal(buffer.released, 'administrator');
    buffer.map().write((bytes) => bytes.write('mine'));
    t.equal(buffer.map().bytes.toString('latin1', 0, 4), 'mine', 'its memory stays');
    await buffer.release();
    owner.close();
  });

  await t.test('until_released outlives its connection', async (t) => {
    const owner = await connect({ socket });
    const buffer = await owner.allocate({ ...kept, name: 'kept' });
    buffer.map().write((bytes) => bytes.write('hello'));
    const token = await buffer.share({ uses: 2 });
    await buffer.close();
    owner.close();
    t.equal((await redeemElsewhere(token)).text, 'hello');
    t.match(await daemon.buffers(), [{ id: buffer.id, name: 'kept' }]);
    const later = await connect({ socket });
    const again = await later.redeem(token);
    await again.release();
    t.match(
      await daemon.buffers(),
      [{ id: buffer.id }],
      'only its owner’s connection may release it',
    );
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    t.same(await daemon.buffers(), []);
    later.close();
  });

  await t.test(
    'one bound to a connection goes with it, and who redeemed it reads on',
    async (t) => {
      const [owner, other] = [await connect({ socket }), await connect({ socket })];
      const given = await owner.allocate(linear);
      const token = await given.share({ uses: 2 });
      given.map().write((bytes) => bytes.write('hello'));
      const taken = await other.redeem(token);
      owner.close();
      await given.close().catch(() => {});
      const { id } = given;
      const released = async () => (await daemon.buffers())[0]?.state === 'lingering';
      await eventually(released, 'it is released, and held by the other');
      const path = `/v1/buffers/${id}`;
      t.match((await daemon.rest('GET', path)).body, { id, released_at: /Z$/, tokens: 0 });
      t.match(await daemon.rest('DELETE', path), { status: 404, body: { code: 'not_found' } });
      t.same((await daemon.rest('GET', '/v1/buffers?state=live')).body, []);
      const { body: found } = await daemon.rest('GET', `${path}/holders`);
      t.match(found, { daemon: { fds: 0 }, scanned_at: /Z$/ }, 'the daemon only watches it');
      // The owner's fds are closed, the other's is not; both are this process.
      t.match(found.holders, [{ pid: process.pid, fds: 1, clients: [/^c\d+$/] }]);
      t.equal((await daemon.rest('GET', '/v1/buffers/aaa/holders')).status, 404);
      t.match((await daemon.rest('GET', '/v1/buffers?state=lingering')).body, [{ id }]);
      await other.sync();
      t.equal(taken.released, 'owner');
      t.equal((await rejected(other.redeem(token))).code, 'invalid_token');
      t.equal(
        taken.map().read((bytes) => bytes.toString('latin1', 0, 5)),
        'hello',
      );
      await taken.close();
      // A Buffer that is unmapped gives up its file at once: nothing of it is left here.
      await eventually(async () => (await daemon.buffers()).length === 0, 'its memory is gone');
      other.close();
    },
  );

  await t.test('made over REST, redeemed by a client', async (t) => {
    const { status, body } = await daemon.rest('POST', '/v1/buffers', {
      kind: 'buffer',
      size: 4096,
      handle_types: ['memfd'],
    });
    t.equal(status, 201);
    const client = await connect({ socket });
    const buffer = await client.redeem(body.token.token);
    t.equal(buffer.id, body.buffer.id);
    await buffer.close();
    client.close();
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
