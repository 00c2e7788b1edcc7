/** The client library when the device is lost: it is told, gets new memory, and loses no fd. */
import t, { type Test } from 'tap';
import { type Client, type ClientBuffer, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_registry } from '../../src/protocol/wayland.gen.js';
import { eventually } from '../support/daemon.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';

// The ids that the client library chooses: in the order in which it makes objects.
const [REGISTRY, CALLBACK, MANAGER, , BUFFER] = [2, 3, 4, 5, 6];
const MEMFD = dmabroker_manager_v1.enums.handle_type.memfd;
const { refusal } = dmabroker_manager_v1.enums;

class Setup {
  constructor(
    readonly daemon: FakeDaemon,
    readonly client: Client,
  ) {}

  event: (name: 'lost' | 'reissued', generation: number) => void = (name, generation) =>
    this.daemon.event(dmabroker_buffer_v1, BUFFER, name, generation);

  /** Plays the daemon's answer to create and to reissue. */
  answer(generation: number): void {
    const info = [MEMFD, 'memfd', 0, 4096, 0, 0, 0, 0, 0] as const;
    const fd = sealedMemfd(`generation ${generation}`, 4096);
    this.daemon.event(dmabroker_buffer_v1, BUFFER, 'info', 'a', generation, ...info);
    this.daemon.event(dmabroker_buffer_v1, BUFFER, 'memory', 0, 0, 4096);
    this.daemon.event(dmabroker_buffer_v1, BUFFER, 'plane', fd, MEMFD, 0, 0, 0, 0);
    this.daemon.event(dmabroker_buffer_v1, BUFFER, 'done');
    close(fd);
  }

  /** An allocated buffer. */
  async buffer(): Promise<ClientBuffer> {
    const made = this.client.allocate({ kind: 'buffer', size: 4096 });
    this.answer(1);
    return made;
  }

  /** Ends the connection; what the buffer has is closed. */
  async end(buffer: ClientBuffer): Promise<void> {
    const closed = buffer.close();
    this.daemon.hangUp();
    await closed.catch(() => {});
  }
}

async function ready(t: Test): Promise<Setup> {
  const daemon = new FakeDaemon(t);
  const connecting = connect({ socket: daemon.path, reconnect: false });
  daemon.accept();
  daemon.event(wl_registry, REGISTRY, 'global', 1, dmabroker_manager_v1.name, 1);
  daemon.event(wl_callback, CALLBACK, 'done', 0);
  daemon.event(dmabroker_manager_v1, MANAGER, 'done');
  return new Setup(daemon, await connecting);
}

await withoutLeaks(t, 'lost', async (t) => {
  t.test('lost, then new memory; the old mapping stays memory', async (t) => {
    const setup = await ready(t);
    const buffer = await setup.buffer();
    const old = buffer.map();
    old.write((bytes) => bytes.fill(7));
    const told: string[] = [];
    buffer.onLost(() => told.push('lost'));
    buffer.onReissued(() => told.push('reissued'));
    setup.event('lost', 1);
    await eventually(() => buffer.lost, 'it is told');
    const both = Promise.all([buffer.reissue(), buffer.reissue()]);
    setup.answer(2);
    const [planes] = await both;
    t.equal(planes, buffer.planes);
    t.match(buffer, { generation: 2, lost: false });
    t.same(told, ['lost']);
    t.ok(
      buffer.map().read((bytes) => bytes.every((byte) => byte === 0)),
      'new memory',
    );
    t.ok(
      old.read((bytes) => bytes.every((byte) => byte === 7)),
      'the old one is what it was',
    );
    setup.event('lost', 2);
    setup.event('reissued', 3);
    await eventually(() => told.length === 3, 'again');
    t.same(told, ['lost', 'lost', 'reissued']);
    await setup.end(buffer);
  });

  t.test('a refusal can be tried again', async (t) => {
    const setup = await ready(t);
    const buffer = await setup.buffer();
    setup.event('lost', 1);
    const first = buffer.reissue();
    const { permission_denied } = refusal;
    setup.daemon.event(dmabroker_buffer_v1, BUFFER, 'failed', permission_denied, 'no', '{}');
    await t.rejects(first, { name: 'BrokerError', code: 'permission_denied' });
    t.match(buffer, { lost: true, generation: 1 });
    const second = buffer.reissue();
    setup.answer(2);
    await second;
    t.match(buffer, { lost: false, generation: 2 });
    await setup.end(buffer);
  });

  t.test('lost again before the answer was looked at', async (t) => {
    const setup = await ready(t);
    const buffer = await setup.buffer();
    const asked = buffer.reissue();
    setup.answer(2);
    setup.event('lost', 2);
    await asked;
    t.ok(buffer.lost, 'events count in their order');
    await setup.end(buffer);
  });

  t.test('the connection or the buffer ends while it waits', async (t) => {
    const cut = await ready(t);
    const buffer = await cut.buffer();
    const asked = buffer.reissue();
    cut.daemon.hangUp();
    await t.rejects(asked, { name: 'ConnectionError' });
    await buffer.close().catch(() => {});
    await t.rejects(buffer.reissue(), TypeError);

    const left = await ready(t);
    const other = await left.buffer();
    const waiting = other.reissue();
    const ended = left.end(other);
    await t.rejects(waiting, { name: 'TypeError', message: 'the buffer is closed' });
    await ended;
  });
});
