/** /healthz speaks for every thread: one that hangs is named, whoever asks for how often. */
import { once } from 'node:events';
import { get } from 'node:http';
import { buffer as bytesOf } from 'node:stream/consumers';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { Health } from '../../../src/server/threads/health.js';
import { TestDaemon } from '../../support/daemon.js';
import { stopThread } from '../../support/stopped-thread.js';

t.test('threads that are asked', async (t) => {
  let answer = () => {};
  let asked = 0;
  const slow = () => {
    asked++;
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  };
  const threads = [
    { name: 'one', ask: () => Promise.resolve() },
    { name: 'another', ask: slow },
  ];
  const health = new Health(threads, 10);
  const silent = {
    code: 'unavailable',
    refusal: { constraint: 'threads', requested: ['another'] },
  };
  await t.rejects(health.check(), silent);
  await t.rejects(health.check(), silent);
  t.equal(asked, 1, 'one that does not answer is asked once');
  answer();
  const patient = new Health(threads, 60_000);
  const check = patient.check();
  answer();
  await t.resolves(check);
});

t.test('a daemon with a thread that stands still', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  t.match(await daemon.rest('GET', '/healthz'), { status: 200, body: { status: 'ok' } });
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', width: 8, height: 8, format: 'XR24' } as const;
  const buffer = await client.allocate({ ...image, handleTypes: ['memfd'] });
  const path = `/v1/buffers/${buffer.id}/preview.png`;
  const request = get({ socketPath: daemon.restSocket, path, agent: false });
  const [picture] = await once(request, 'response');
  await bytesOf(picture);
  t.equal(picture.statusCode, 200, 'the thread that makes pictures is there');
  for (const [thread, name] of [
    ['dmab-plane', 'the clients'],
    ['dmab-allocator', 'the allocator'],
    ['dmab-preview', 'previews'],
  ] as const) {
    const goOn = stopThread(daemon.pid, thread);
    const { status, body } = await daemon.rest('GET', '/healthz');
    goOn();
    t.equal(status, 503, thread);
    t.match(body, { code: 'unavailable', refusal: { constraint: 'threads', requested: [name] } });
    t.equal((await daemon.rest('GET', '/healthz')).status, 200, 'it has gone on');
  }
  await buffer.close();
  client.close();
  t.equal(await daemon.stop(), 0);
});
