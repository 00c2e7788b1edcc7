/**
 * Every kind of file descriptor beside every request of the protocol, those that take none included: no
 * request waits for it, another client is served at once, and it is closed again.
 *
 * The requests come from the protocol's own tables, so that one that is added is tried as well.
 */
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import { close } from '../../../src/native/libc/fd.js';
import * as dmabroker from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../src/protocol/wayland.gen.js';
import type { Interface, Message } from '../../../src/protocol/wire.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FuseFile, fuseMissing } from '../../support/fuse.js';
import { atNight } from '../../support/night.js';
import { FREE, MANAGER, RawClient, REGISTRY } from '../../support/raw-client.js';
import { type Strange, type StrangeFd, strangeFds } from '../../support/strange-fds.js';

const { dmabroker_manager_v1, dmabroker_params_v1, dmabroker_buffer_v1 } = dmabroker;
/** What `asking` uses, and the objects that are made of it. */
const BUFFER = FREE;
const PARAMS = FREE + 2;
const SHARE = FREE + 3;
const WORK = FREE + 4;
const NEW = 100;

/** An object of each interface that has requests, by the interface's name. */
const objects = new Map<string, number>([
  [wl_display.name, 1],
  [wl_registry.name, REGISTRY],
  [dmabroker_manager_v1.name, MANAGER],
  [dmabroker_params_v1.name, PARAMS],
  [dmabroker_buffer_v1.name, BUFFER],
  [dmabroker.dmabroker_share_v1.name, SHARE],
  [dmabroker.dmabroker_work_v1.name, WORK],
]);

const all: [Interface, Message][] = [wl_display, wl_registry, ...Object.values(dmabroker)].flatMap(
  (definition: Interface) =>
    definition.requests.map((message): [Interface, Message] => [definition, message]),
);
const tried = all.filter(([{ name }]) => objects.has(name));
const untried = all.filter(([{ name }]) => !objects.has(name));
const takesFd = ({ args }: Message) => args.some(({ type }) => type === 'fd');
/** Of what is refused alike, whatever it is, a kind of fd is put beside one request in so many in the gate, each beside others. */
const PARTS = atNight(4, 1);

/** A client that has an object of each interface. */
async function equipped(path: string): Promise<RawClient> {
  const client = await new RawClient(path).ready();
  client.send(client.asking(BUFFER));
  await client.until(() => client.count('dmabroker_buffer_v1.done') === 1);
  client.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  client.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096);
  client.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, 0xffffffff, 0, 0);
  client.request(dmabroker_manager_v1, MANAGER, 'create_work', WORK, BUFFER);
  await client.until(() => client.count('dmabroker_share_v1.token') === 1);
  return client;
}

/** Values that the wire format takes; what they mean is not this test's matter. */
function values(message: Message): unknown[] {
  return message.args.map(({ type, interface: named }) => {
    switch (type) {
      case 'new_id':
        return named === undefined
          ? { interface: 'dmabroker_manager_v1', version: 1, id: NEW }
          : NEW;
      case 'object':
        return BUFFER;
      case 'string':
        return 'text';
      case 'array':
        return Buffer.alloc(16);
      case 'fd':
        return -1;
      default:
        return 0;
    }
  });
}

/** Sends a request with the fd beside it, then what makes the daemon look for fds that are left. */
function sendWith(
  client: RawClient,
  [definition, message]: [Interface, Message],
  fd: number,
): void {
  const id = objects.get(definition.name) ?? 0;
  const encode = client.peer.request as (...request: unknown[]) => Buffer;
  try {
    client.send(encode.call(client.peer, definition, id, message.name, ...values(message)), [fd]);
    for (const at of [1, 2]) client.request(wl_display, 1, 'sync', NEW + at);
  } catch {
    // It was hung up on.
  }
}

const ended = ({ events }: RawClient) =>
  events.some(({ name }) => name === 'wl_display.error')
    ? String(events.find(({ name }) => name === 'wl_display.error')?.values[2])
    : null;

await withoutLeaks(t, 'every kind of fd beside every request', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const witness = await connect({ socket: daemon.clientSocket, reconnect: false });
  await (await equipped(daemon.clientSocket)).close();
  const sockets = () => daemon.openFdsThat((target) => !target.includes('memfd:'));
  await eventually(async () => (await daemon.clients()).length === 1, 'it has left');
  // Its socket is closed a moment later, by another thread.
  let before = sockets();
  for (let look = 0; look < 50; look++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    before = Math.min(before, sockets());
  }
  t.same(
    untried.map(([{ name }, message]) => `${name}.${message.name}`),
    ['dmabroker_test_v1.destroy'],
    'but for that of an object that answers once',
  );

  async function everyRequest(
    t: Test,
    kind: Strange['kind'],
    make: () => StrangeFd,
    requests = tried,
  ) {
    for (const request of requests) {
      const [definition, message] = request;
      const client = await equipped(daemon.clientSocket);
      const { fd, end } = make();
      sendWith(client, request, fd);
      const takes = takesFd(message);
      // Others are served while it is being dealt with, whatever comes of it.
      await witness.sync();
      const text = takes && kind !== 'socket' ? null : await endedWith(client);
      if (kind === 'socket') t.match(text, /a socket/, `${definition.name}.${message.name}`);
      else if (!takes) t.type(text, 'string', `${definition.name}.${message.name} takes none`);
      else t.equal(ended(client), null, `${definition.name}.${message.name} takes one`);
      if (takes && text === null) {
        const { name } = message;
        await (name === 'set_metadata' ? uncommitted(t, client) : refused(t, client, name, kind));
      }
      client.close();
      end?.();
      close(fd);
    }
    await eventually(
      async () => (await daemon.clients()).length === 1 && sockets() === before,
      () => `nothing of it is left: ${sockets()}, not ${before}`,
    );
  }

  /** The text of the error that a violation ended it with. */
  async function endedWith(client: RawClient): Promise<string | null> {
    await client.ended();
    return ended(client);
  }

  /** A plane that is no dma_buf is a refusal of the import, which says what it is; memory that is no memfd one of create. */
  async function refused(
    t: Test,
    client: RawClient,
    request: string,
    kind: Strange['kind'],
  ): Promise<void> {
    const isOwn = request === 'set_memory';
    client.request(dmabroker_params_v1, PARAMS, isOwn ? 'create' : 'import', NEW + 3);
    await client.until(() => client.count('dmabroker_buffer_v1.failed') === 1);
    const [code, , detail] =
      client.events.find(({ name }) => name === 'dmabroker_buffer_v1.failed')?.values ?? [];
    const { invalid_argument, unsupported_source } = dmabroker_manager_v1.enums.refusal;
    // One that would do is of no use here, where nothing makes dma_bufs of it.
    if (isOwn && kind === 'memfd') {
      t.ok(
        [invalid_argument, unsupported_source].some((each) => each === code),
        `refused: ${detail}`,
      );
      return;
    }
    t.equal(code, invalid_argument);
    const possible = isOwn ? 'memfd' : 'dma_buf';
    t.match(JSON.parse(String(detail)), { requested: kind, possible });
  }

  /** A document is looked at where there is something to publish, and closed all the same. */
  async function uncommitted(t: Test, client: RawClient): Promise<void> {
    client.request(dmabroker_buffer_v1, BUFFER, 'commit', 0, 0);
    await client.until(() => client.count('dmabroker_buffer_v1.commit_refused') === 1);
    t.equal(client.count('dmabroker_buffer_v1.committed'), 0);
  }

  for (const [i, [name, { make, kind }]] of [...strangeFds()].entries()) {
    const some = tried.filter(([, request], j) => takesFd(request) || (i + j) % PARTS === 0);
    await t.test(name, (t) => everyRequest(t, kind, make, some));
  }

  await t.test('a file whose server answers nothing', { skip: fuseMissing() }, async (t) => {
    const file = await FuseFile.mount(t);
    await everyRequest(t, 'other', () => ({ fd: file.open() }));
  });

  await t.test('the socket of another connection', async (t) => {
    const other = await new RawClient(daemon.clientSocket).ready();
    for (const request of tried) {
      const client = await equipped(daemon.clientSocket);
      sendWith(client, request, other.fd);
      t.match(await endedWith(client), /a socket/);
      client.close();
    }
    other.close();
  });

  witness.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
