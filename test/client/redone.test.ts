/** Work whose answer the connection did not live to bring: what is asked for again, and what must not be. */
import t, { type Test } from 'tap';
import { type Client, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedBytes, sealedMemfd } from '../../src/native/libc/memory.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_work_v1,
} from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_registry } from '../../src/protocol/wayland.gen.js';
import { eventually } from '../support/daemon.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';

const { memfd } = dmabroker_manager_v1.enums.handle_type;
const LINEAR = { kind: 'buffer', size: 4096 } as const;

/** Plays a daemon whose clients have two buffers; ids are those that the library chooses. */
class Played {
  readonly daemon: FakeDaemon;

  constructor(t: Test) {
    this.daemon = new FakeDaemon(t);
  }

  describe(): void {
    this.daemon.event(wl_registry, 2, 'global', 1, dmabroker_manager_v1.name, 1);
    this.daemon.event(wl_callback, 3, 'done', 0);
    this.daemon.event(dmabroker_manager_v1, 4, 'session', 'adopted-by');
    this.daemon.event(dmabroker_manager_v1, 4, 'done');
  }

  buffer(object: number, id: string): void {
    const { daemon } = this;
    const fd = sealedMemfd(id, 4096);
    daemon.event(
      dmabroker_buffer_v1,
      object,
      'info',
      id,
      1,
      memfd,
      'memfd',
      0,
      4096,
      0,
      0,
      0,
      0,
      0,
    );
    daemon.event(dmabroker_buffer_v1, object, 'memory', 0, 0, 4096);
    daemon.event(dmabroker_buffer_v1, object, 'plane', fd, memfd, 0, 0, 0, 0);
    daemon.event(dmabroker_buffer_v1, object, 'done');
    close(fd);
  }

  /** The two, on an object each: params come first where it allocates, the object where it adopts. */
  async begin(
    ids = ['first', 'second'],
  ): Promise<[Client, ...Awaited<ReturnType<Client['allocate']>>[]]> {
    const connecting = connect({ socket: this.daemon.path });
    this.daemon.accept();
    this.describe();
    const client = await connecting;
    const made = [client.allocate(LINEAR), client.allocate(LINEAR)];
    const [first = '', second = ''] = ids;
    this.buffer(6, first);
    this.buffer(8, second);
    return [client, ...(await Promise.all(made))];
  }

  /** The connection ends, and the next one is asked for both. */
  async again(
    client: Client,
    answer = () => {
      this.buffer(5, 'first');
      this.buffer(7, 'second');
    },
  ): Promise<void> {
    const back = new Promise<void>((resolve) => client.ref().onReconnected(resolve));
    this.daemon.hangUp();
    await eventually(() => this.daemon.accepts(), 'it connects again');
    this.describe();
    let sent = '';
    await eventually(() => {
      sent += this.daemon.received();
      return sent.split('adopted-by').length === 3;
    }, 'both are asked for');
    answer();
    await back;
  }

  done(work: number): void {
    this.daemon.event(dmabroker_work_v1, work, 'done', 1);
  }

  content(work: number, text: string): void {
    const fd = sealedBytes('content', text);
    this.daemon.event(dmabroker_work_v1, work, 'content', fd, 0, text.length);
    close(fd);
    this.done(work);
  }
}

await withoutLeaks(t, 'one buffer twice, that somebody else has adopted', async (t) => {
  const played = new Played(t);
  const [client, a, b] = await played.begin(['same', 'same']);
  const { permission_denied } = dmabroker_manager_v1.enums.refusal;
  await played.again(client, () => {
    for (const object of [7, 5]) {
      const why = [permission_denied, 'no', '{"constraint":"session"}'] as const;
      played.daemon.event(dmabroker_buffer_v1, object, 'failed', ...why);
    }
  });
  t.match([a?.gone, b?.gone], [{ code: 'permission_denied' }, { code: 'permission_denied' }]);
  client.close();
  await Promise.all([a?.close(), b?.close()]);
});

await withoutLeaks(t, 'work', async (t) => {
  t.test('what only reads, or is the same twice, is asked for again in its order', async (t) => {
    const played = new Played(t);
    const [client, a, b] = await played.begin();
    if (a === undefined || b === undefined) throw new Error('there are two');
    const order: string[] = [];
    const asked = [
      a.fill(1).then(() => order.push('fill')),
      a.read({ size: 4 }).then(({ bytes }) => order.push(bytes.toString())),
      b.copyFrom(a).then(() => order.push('copy')),
    ];
    await played.again(client);
    played.done(9);
    played.content(10, 'read');
    played.done(11);
    await Promise.all(asked);
    t.same(order, ['fill', 'read', 'copy']);
    t.same([a.id, b.id, a.gone, b.gone], ['first', 'second', null, null]);
    client.close();
    await Promise.all([a.close(), b.close()]);
  });

  t.test('what would read something else is not', async (t) => {
    const played = new Played(t);
    const [client, a, b] = await played.begin();
    if (a === undefined || b === undefined) throw new Error('there are two');
    const lost = { name: 'ConnectionError', message: /was written to since/ };
    const reading = a.read();
    const copying = b.copyFrom(a);
    const within = b.copyFrom(b, { size: 16, offset: 8 });
    const filling = a.fill(1);
    const refused = [reading, copying, within].map((each: Promise<unknown>) =>
      t.rejects(each, lost),
    );
    await played.again(client);
    played.done(9);
    t.equal(await filling, 'device');
    await Promise.all(refused);
    client.close();
    await Promise.all([a.close(), b.close()]);
  });
});
