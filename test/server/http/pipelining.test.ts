/**
 * Requests that are sent before the answers to others were taken: a few are answered in order, and a flood of them is
 * hung up on before its answers fill the daemon's memory.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { MAX_PIPELINED } from '../../../src/server/http/limits.js';
import { TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';

const request = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

async function opened({ restSocket }: TestDaemon): Promise<Socket> {
  const socket = connect(restSocket);
  socket.on('error', () => {}); // EPIPE and ECONNRESET: it was hung up on.
  await once(socket, 'connect');
  return socket;
}

await withoutLeaks(t, 'pipelining', async (t) => {
  const daemon = await TestDaemon.memfd(t);

  await t.test('as many as are allowed are answered, in order', async (t) => {
    const socket = await opened(daemon);
    const paths = Array.from({ length: MAX_PIPELINED - 1 }, (_, i) => request(`/v1/nothing${i}`));
    socket.write(paths.join('') + request('/healthz', 'Connection: close\r\n'));
    const answers = await text(socket);
    const asked = [...answers.matchAll(/"instance":"\/v1\/nothing(\d)"/g)].map(([, i]) =>
      Number(i),
    );
    t.same(asked, [0, 1, 2, 3, 4, 5, 6]);
    t.match(answers, /"status":"ok"/);
  });

  await t.test('an interim answer is none of the body of another', async (t) => {
    const socket = await opened(daemon);
    const expects = request('/docs/start.js', 'Expect: 100-continue\r\n');
    socket.write(expects + request('/openapi.yaml') + expects);
    const answers = await text(socket);
    const bodies = answers
      .split(/(?=HTTP\/1\.1 \d+)/)
      .filter((each) => !/^HTTP\S+ 100 /.test(each));
    t.equal(bodies.length, 3);
    for (const each of bodies) {
      const [head = '', body = ''] = [
        each.slice(0, each.indexOf('\r\n\r\n')),
        each.slice(each.indexOf('\r\n\r\n') + 4),
      ];
      t.equal(Number(/content-length: (\d+)/.exec(head)?.[1]), Buffer.byteLength(body), head);
    }
    t.equal(answers.match(/^HTTP\/1\.1 100 /gm)?.length, 1, 'the first alone had its turn');
  });

  await t.test('one after the other, any number', async (t) => {
    const socket = await opened(daemon);
    for (let i = 0; i < 3 * MAX_PIPELINED; i++) {
      socket.write(request('/healthz'));
      t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/);
    }
    socket.destroy();
  });

  await t.test('answers that nobody reads do not fill the memory', async (t) => {
    const before = daemon.memory();
    // One piece for Node's parser, of answers with 180 KB each: 200 MB a connection.
    const flood = request('/openapi.yaml').repeat(1_150);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => opened(daemon)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(flood);
    }
    t.equal((await daemon.rest('GET', '/healthz')).status, 200);
    const closed = sockets.map(async (socket) => {
      socket.resume();
      if (!socket.closed) await once(socket, 'close');
    });
    await Promise.all(closed);
    const grown = daemon.memory() - before;
    t.ok(grown < 256 * 1024 * 1024, `it has ${grown} bytes more`);
  });

  await t.test('a large file that nobody reads is in memory once', async (t) => {
    const before = daemon.memory();
    const some = request('/docs/swagger-ui-bundle.js').repeat(MAX_PIPELINED);
    const sockets = await Promise.all(Array.from({ length: 40 }, () => opened(daemon)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(some);
    }
    for (const socket of sockets) if (socket.readableLength === 0) await once(socket, 'readable');
    const grown = daemon.memory() - before;
    for (const socket of sockets) socket.destroy();
    t.ok(grown < 128 * 1024 * 1024, `it has ${grown} bytes more, for 540 MB of answers`);
  });

  // They are there when the daemon is told to stop, and send on.
  const sockets = await Promise.all(Array.from({ length: 3 }, () => opened(daemon)));
  const starts = [
    'GET /healthz HTTP/1.1\r\n',
    'POST /v1/buffers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{',
    request('/docs/swagger-ui-bundle.js').repeat(MAX_PIPELINED),
  ];
  const drip = setInterval(() => {
    for (const socket of sockets.slice(0, 2)) socket.write(' ');
  }, 100);
  for (const [i, start] of starts.entries()) {
    sockets[i]?.pause();
    sockets[i]?.write(start);
  }
  t.equal((await daemon.rest('GET', '/healthz')).status, 200);
  t.equal(await daemon.stop(), 0, 'requests that never end do not keep it from ending');
  clearInterval(drip);
  for (const socket of sockets) socket.destroy();
  t.same(daemon.errors, []);
});
