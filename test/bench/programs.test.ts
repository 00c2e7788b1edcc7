/** The benchmarks' programs in C do what they are measured for: bench/c, against a daemon. */
import { join } from 'node:path';
import t from 'tap';
import { answerOf } from '../../bench/support/answer.js';
import { startCrowd } from '../../bench/support/others.js';
import { compile, load, play, startReference } from '../../bench/support/programs.js';
import { checkShapes, type Times } from '../../bench/support/rounds.js';
import { type Kind, writeMeeting } from '../../bench/support/script.js';
import { connect } from '../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';

t.setTimeout(120_000);

t.test('C answers as the daemon does', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const owner = await connect({ socket: daemon.clientSocket });
  t.teardown(() => owner.close());
  const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const reference = await startReference(answerOf(buffer));
  t.teardown(() => reference.stop());
  const token = await buffer.share({ uses: 100 });
  const kinds: Kind[] = [
    { kind: 'sync' },
    { kind: 'redeem', tokens: [token], uses: 100 },
    {
      kind: 'allocate',
      memory: { size: 4096 },
      handleType: dmabroker_manager_v1.enums.handle_type.memfd,
    },
  ];
  for (const kind of kinds) {
    const plan = { connections: 1, warmUp: 2, requests: 20 };
    const [ours, theirs] = [
      await load(daemon.clientSocket, kind, plan),
      await load(reference.socket, kind, plan),
    ];
    t.equal(ours.requests, 20);
    t.equal(ours.fds, kind.kind === 'sync' ? 0 : 20, kind.kind);
    t.doesNotThrow(() => checkShapes([ours, theirs]), `${kind.kind}: as many bytes and fds`);
  }
});

t.test('a crowd holds, and goes', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const leave = await startCrowd(daemon.clientSocket, { users: 1, connections: 2, buffers: 3 }, 0);
  t.equal((await daemon.buffers()).length, 6);
  t.equal((await daemon.clients()).length, 2);
  await leave();
  await eventually(async () => (await daemon.buffers()).length === 0, 'they are gone');
});

t.test('two clients meet', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const owner = await connect({ socket: daemon.clientSocket });
  t.teardown(() => owner.close());
  const buffer = await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const script = join(temporaryFolder(t), 'meeting');
  writeMeeting(script, await buffer.share());
  const meet = compile('meet', { sources: ['peer.h'] });
  const { p50, p99 } = await play<Times>([meet, daemon.clientSocket, script, '20']);
  t.ok(p50 > 0 && p99 >= p50);
  await eventually(async () => (await daemon.buffers()).length === 1, 'only ours is left');
});

t.test('clients of other brokers compile where nothing of those is installed', async (t) => {
  for (const name of ['virgl', 'dbus']) {
    t.doesNotThrow(() => compile(`peer-${name}`, { sources: ['peer.h'] }), name);
  }
});
