/** The daemon's side of the keeper, with one that does not answer, is of another version, or says what is wrong. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import type { Sent } from '../../../src/server/kept/fd-store.js';
import { KeeperClient } from '../../../src/server/kept/keeper-client.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { KeeperService } from '../../support/keeper.js';

await withoutLeaks(t, 'the client of the keeper', async (t) => {
  const memfd = sealedMemfd('dmabroker:kept', 4096);
  const one = (name: string) => ({ name, fd: memfd, identity: name });

  function make(t: Test, path: string) {
    const clock = new FakeClock();
    const said: string[] = [];
    const references = new Map<string, number>();
    const seen = { used: false, pid: null as number | null };
    const client = new KeeperClient(path, {
      clock,
      referred: (file, by) => void references.set(file, (references.get(file) ?? 0) + by),
      used: (may) => {
        seen.used = may;
      },
      process: (pid) => {
        seen.pid = pid;
      },
      log: (level, _, fields) => {
        if (level !== 'debug') said.push((fields as { reason: string }).reason);
      },
    });
    t.teardown(() => client.close());
    /** Until there is another answer than `full`. */
    const put = async (name: string): Promise<Sent> => {
      let answer: Sent = 'full';
      await eventually(() => {
        client.run();
        answer = client.put([one(name)]);
        return answer !== 'full';
      }, 'it answers');
      return answer;
    };
    return { clock, client, said, references, seen, put };
  }

  await t.test('what it has, who it is, and when it is let go', async (t) => {
    const keeper = new KeeperService(t);
    await keeper.start();
    const { clock, client, said, references, seen, put } = make(t, keeper.path);
    t.equal(client.wait, -1, 'nothing is done for nothing');
    t.equal(await put('a-0'), 'sent');
    t.same(
      [client.held, client.has('a-0'), seen.used, seen.pid],
      [1, true, true, keeper.child.pid],
    );
    t.equal(references.get('a-0'), 1);
    t.equal(client.drop('b-0'), false);
    t.equal(client.drop('a-0'), true);
    t.equal(references.get('a-0'), 0);
    client.run();
    t.equal(seen.used, false);
    clock.pass(60_000);
    client.run();
    t.same([seen.pid, client.wait], [null, -1], 'it need not stay for this one');
    t.equal(await put('c-0'), 'sent');
    t.same(said, []);
    const next = make(t, keeper.path);
    const taken = next.client.take();
    t.same(
      taken.map(({ name }) => name),
      ['c-0'],
    );
    for (const { fd } of taken) close(fd);
    next.client.claim(one('c-0'));
    next.client.dropUnclaimed();
    t.same([next.client.held, next.references.get('c-0')], [1, 1]);
  });

  await t.test('one that stands still: at the start, and later', async (t) => {
    const keeper = new KeeperService(t);
    await keeper.start();
    keeper.child.kill('SIGSTOP');
    const { clock, client, said, references, put } = make(t, keeper.path);
    for (let i = 0; i < 5; i++) {
      t.equal(client.put([one('a-0')]), 'full');
      client.run();
      clock.pass(1000);
    }
    clock.pass(10_000);
    client.run();
    t.equal(client.put([one('a-0')]), 'failed');
    t.same(said, ['it does not answer']);
    keeper.child.kill('SIGCONT');
    clock.pass(10_000);
    t.equal(await put('a-0'), 'sent');
    await eventually(() => keeper.memories(/dmabroker/) === 1, 'it has read that');
    keeper.child.kill('SIGSTOP');
    let sent = 1;
    while (client.put([one(`b${sent}-0`)]) === 'sent') sent++;
    client.run();
    t.equal(client.held, sent);
    clock.pass(11_000);
    t.equal(client.put([one(`b${sent}-0`)]), 'full');
    client.run();
    t.equal(client.put([one(`b${sent}-0`)]), 'failed');
    t.equal(client.held, 0, 'what it has cannot be relied on');
    t.equal([...client.owed].length, sent);
    t.equal(references.get('a-0'), 0);
    t.same(said, ['it does not answer'], 'it is said once');
    keeper.child.kill('SIGCONT');
    clock.pass(10_000);
    await eventually(() => {
      client.run();
      return client.held === sent;
    }, 'it has them again');
    await eventually(() => keeper.memories(/dmabroker/) === sent, 'and once');
  });

  for (const [what, words, reason] of [
    ['is of another version', 'hello 2 100 1\n', 'it is of another version'],
    ['is something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'it is of another version'],
    ['says more than it is asked', 'hello 1 100 1\nhave\n', 'it says what was not asked'],
    ['ends', '', 'it has ended'],
  ] as const) {
    await t.test(`one that ${what}`, async (t) => {
      const path = join(temporaryFolder(t), 'wrong.sock');
      const server = createServer((socket: Socket) => {
        socket.on('error', () => {}).resume();
        socket.end(words);
      }).listen(path);
      await once(server, 'listening');
      const { client, said } = make(t, path);
      client.put([one('a-0')]);
      await eventually(() => {
        client.run();
        return said.length > 0;
      }, 'it is left');
      t.same(said, [reason]);
      t.equal(client.put([one('a-0')]), 'failed');
      t.equal(client.held, 0);
      server.close();
      await once(server, 'close');
    });
  }
  close(memfd);
});
