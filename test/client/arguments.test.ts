/**
 * Wrong arguments: each is told by name before anything is sent, so that neither the connection nor a
 * buffer of it is lost, and nothing becomes another number on its way.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { type Client, type ClientBuffer, connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const handleTypes = ['memfd'] as const;
const linear = { kind: 'buffer', size: 4096, handleTypes } as const;
const image = { kind: 'image', width: 16, height: 16, format: 'XR24', handleTypes } as const;
const CLOSED = 999_999;
/** The connection to the daemon is one. */
const socket = (): number =>
  Number(
    readdirSync('/proc/self/fd').find((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
      } catch {
        return false; // the folder's own
      }
    }),
  );
const aborted = AbortSignal.abort();
const long = 'x'.repeat(5000);

/** What is asked, with values that the types would not let pass; the error's name; how it begins. */
type Wrong = [ask: (client: Client, buffer: ClientBuffer) => unknown, name: string, at: string];

// biome-ignore lint/suspicious/noExplicitAny: what a caller without types can give.
const allocate = (request: any) => (client: Client) => client.allocate(request);
// biome-ignore lint/suspicious/noExplicitAny: the same.
const imported = (memory: any) => (client: Client) => client.import(memory);
// biome-ignore lint/suspicious/noExplicitAny: the same.
const untyped = (ask: (client: any) => unknown) => (client: Client) => ask(client);
// biome-ignore lint/suspicious/noExplicitAny: the same.
const buffer = (ask: (buffer: any) => unknown) => (_: Client, own: ClientBuffer) => ask(own);

const plane = { fd: 0, offset: 0, stride: 0 };
const memory = { kind: 'buffer', size: 4096, planes: [plane] };

const WRONG: readonly Wrong[] = [
  // What is asked for.
  [allocate(undefined), 'TypeError', 'must be an object'],
  [allocate(null), 'TypeError', 'must be an object'],
  [allocate([]), 'TypeError', 'must be an object'],
  [allocate({}), 'TypeError', 'kind is missing'],
  [allocate({ ...linear, kind: 'texture' }), 'RangeError', 'kind'],
  [allocate({ ...linear, kind: 1 }), 'TypeError', 'kind'],
  [allocate({ kind: 'buffer', handleTypes }), 'TypeError', 'size is missing'],
  [allocate({ ...linear, size: '4096' }), 'TypeError', 'size'],
  [allocate({ ...linear, size: 4096n }), 'TypeError', 'size'],
  [allocate({ ...linear, size: null }), 'TypeError', 'size'],
  [allocate({ ...linear, size: -1 }), 'RangeError', 'size'],
  [allocate({ ...linear, size: 0.5 }), 'RangeError', 'size'],
  [allocate({ ...linear, size: Number.NaN }), 'RangeError', 'size'],
  [allocate({ ...linear, size: Number.POSITIVE_INFINITY }), 'RangeError', 'size'],
  [allocate({ ...linear, size: 2 ** 53 }), 'RangeError', 'size'],
  [allocate({ ...linear, size: 2 ** 64 }), 'RangeError', 'size'],
  [allocate({ ...linear, width: 16 }), 'TypeError', 'width is no field'],
  [allocate({ ...linear, handle_types: ['memfd'] }), 'TypeError', 'handle_types is no field'],
  [allocate({ ...linear, sizes: 4096 }), 'TypeError', 'sizes is no field'],
  [allocate({ ...linear, handleTypes: 'memfd' }), 'TypeError', 'handleTypes'],
  [allocate({ ...linear, handleTypes: [] }), 'RangeError', 'handleTypes'],
  [allocate({ ...linear, handleTypes: ['shm'] }), 'RangeError', 'handleTypes[0]'],
  [allocate({ ...linear, handleTypes: ['memfd', 7] }), 'TypeError', 'handleTypes[1]'],
  [allocate({ ...linear, handleTypes: Array(4).fill('memfd') }), 'RangeError', 'handleTypes'],
  [allocate({ ...linear, handleTypes: Array(1) }), 'TypeError', 'handleTypes[0]'],
  [allocate({ ...linear, usage: [] }), 'RangeError', 'usage'],
  [allocate({ ...linear, usage: ['cpuRead'] }), 'RangeError', 'usage[0]'],
  [allocate({ ...linear, usage: 4 }), 'TypeError', 'usage'],
  [allocate({ ...linear, usage: new Set(['sample']) }), 'TypeError', 'usage'],
  [allocate({ ...linear, lifetime: 'forever' }), 'RangeError', 'lifetime'],
  [allocate({ ...linear, lifetime: 60 }), 'TypeError', 'lifetime'],
  [allocate({ ...linear, lifetime: null }), 'TypeError', 'lifetime'],
  [allocate({ ...linear, lifetime: {} }), 'TypeError', 'lifetime.lease is missing'],
  [allocate({ ...linear, lifetime: { lease: 0.5 } }), 'RangeError', 'lifetime.lease'],
  [allocate({ ...linear, lifetime: { lease: -1 } }), 'RangeError', 'lifetime.lease'],
  [allocate({ ...linear, lifetime: { lease: 2 ** 32 } }), 'RangeError', 'lifetime.lease'],
  [allocate({ ...linear, lifetime: { seconds: 1 } }), 'TypeError', 'lifetime.seconds is no field'],
  [allocate({ ...linear, name: 7 }), 'TypeError', 'name'],
  [allocate({ ...linear, name: 'x'.repeat(65) }), 'RangeError', 'name'],
  [allocate({ ...linear, name: long }), 'RangeError', 'name'],
  [allocate({ ...linear, name: 'ä'.repeat(33) }), 'RangeError', 'name'],
  [allocate({ ...linear, name: 'a\0b' }), 'TypeError', 'name'],
  [allocate({ ...linear, name: '\ud800' }), 'TypeError', 'name'],
  [allocate({ ...linear, placement: 'gpu' }), 'RangeError', 'placement'],
  [allocate({ ...linear, placement: 1 }), 'TypeError', 'placement'],
  [allocate({ ...linear, source: '' }), 'RangeError', 'source'],
  [allocate({ ...linear, source: long }), 'RangeError', 'source'],
  [allocate({ ...linear, source: 'mem\0fd' }), 'TypeError', 'source'],
  [allocate({ ...linear, device: 'llvmpipe' }), 'RangeError', 'device'],
  [allocate({ ...linear, device: Buffer.alloc(16) }), 'TypeError', 'device'],
  [allocate({ ...linear, alignment: 64 }), 'TypeError', 'alignment'],
  [allocate({ ...linear, alignment: { size: -1 } }), 'RangeError', 'alignment.size'],
  [allocate({ ...linear, alignment: { size: 2 ** 32 } }), 'RangeError', 'alignment.size'],
  [allocate({ ...linear, alignment: { stride: 64 } }), 'TypeError', 'alignment.stride is no field'],
  [allocate({ kind: 'image', height: 1, format: 'XR24' }), 'TypeError', 'width is missing'],
  [allocate({ ...image, width: 2 ** 32 }), 'RangeError', 'width'],
  [allocate({ ...image, width: -1 }), 'RangeError', 'width'],
  [allocate({ ...image, height: 1.5 }), 'RangeError', 'height'],
  [allocate({ ...image, height: '16' }), 'TypeError', 'height'],
  [allocate({ ...image, format: 'XR2' }), 'RangeError', 'format'],
  [allocate({ ...image, format: 'XR24 ' }), 'RangeError', 'format'],
  [allocate({ ...image, format: 'ÄR24' }), 'RangeError', 'format'],
  [allocate({ ...image, format: 0x34325258 }), 'TypeError', 'format'],
  [allocate({ ...image, size: 4096 }), 'TypeError', 'size is no field'],
  [allocate({ ...image, modifiers: [] }), 'RangeError', 'modifiers'],
  [allocate({ ...image, modifiers: [0] }), 'TypeError', 'modifiers[0]'],
  [allocate({ ...image, modifiers: ['0x0'] }), 'TypeError', 'modifiers[0]'],
  [allocate({ ...image, modifiers: [0n, -1n] }), 'RangeError', 'modifiers[1]'],
  [allocate({ ...image, modifiers: [2n ** 64n] }), 'RangeError', 'modifiers[0]'],
  [allocate({ ...image, modifiers: Array(257).fill(0n) }), 'RangeError', 'modifiers'],
  [allocate({ ...image, separatePlanes: 1 }), 'TypeError', 'separatePlanes'],
  [allocate({ ...image, layout: [] }), 'RangeError', 'layout'],
  [allocate({ ...image, layout: [{ offset: 0 }] }), 'TypeError', 'layout[0].stride is missing'],
  [allocate({ ...image, layout: [{ offset: -1, stride: 64 }] }), 'RangeError', 'layout[0].offset'],
  [
    allocate({ ...image, layout: Array(5).fill({ offset: 0, stride: 64 }) }),
    'RangeError',
    'layout',
  ],
  [(client) => client.test({ ...linear, size: -1 }), 'RangeError', 'size'],
  // What is brought.
  [imported({ ...memory, planes: [] }), 'RangeError', 'planes'],
  [imported({ ...memory, planes: Array(5).fill(plane) }), 'RangeError', 'planes'],
  [imported({ ...memory, planes: plane }), 'TypeError', 'planes'],
  [imported({ kind: 'buffer', size: 1 }), 'TypeError', 'planes is missing'],
  [imported({ ...memory, planes: [{ ...plane, fd: CLOSED }] }), 'RangeError', 'planes[0].fd'],
  [imported({ ...memory, planes: [plane, { ...plane, fd: 1e6 }] }), 'RangeError', 'planes[1].fd'],
  [
    (client) => imported({ ...memory, planes: [{ ...plane, fd: socket() }] })(client),
    'RangeError',
    'planes[0].fd',
  ],
  [imported({ ...memory, planes: [{ ...plane, fd: -1 }] }), 'RangeError', 'planes[0].fd'],
  [imported({ ...memory, planes: [{ ...plane, fd: '0' }] }), 'TypeError', 'planes[0].fd'],
  [
    imported({ ...memory, planes: [{ ...plane, stride: 2 ** 32 }] }),
    'RangeError',
    'planes[0].stride',
  ],
  [
    imported({ ...memory, planes: [{ fd: 0, stride: 0 }] }),
    'TypeError',
    'planes[0].offset is missing',
  ],
  [imported({ ...memory, usage: ['sample'] }), 'TypeError', 'usage is no field'],
  [imported({ ...image, handleTypes: undefined, planes: [plane] }), 'TypeError', 'handleTypes'],
  [imported({ ...memory, kind: 'image' }), 'TypeError', 'size is no field'],
  // Tokens.
  [(client) => client.redeem(''), 'RangeError', 'token'],
  [(client) => client.redeem(long), 'RangeError', 'token'],
  [(client) => client.redeem('a\0b'), 'TypeError', 'token'],
  [untyped((client) => client.redeem(7)), 'TypeError', 'token'],
  [(client) => client.redeem('a', { handleTypes: [] }), 'RangeError', 'options.handleTypes'],
  [
    untyped((client) => client.redeem('a', { handleTypes: ['fd'] })),
    'RangeError',
    'options.handleTypes[0]',
  ],
  [
    untyped((client) => client.redeem('a', { timeout: 1 })),
    'TypeError',
    'options.timeout is no field',
  ],
  [untyped((client) => client.sync({ signal: {} })), 'TypeError', 'options.signal'],
  [untyped((client) => client.onClosed('bye')), 'TypeError', 'listener'],
  // Buffers.
  [buffer((b) => b.share({ seconds: 0.5 })), 'RangeError', 'terms.seconds'],
  [buffer((b) => b.share({ seconds: 0 })), 'RangeError', 'terms.seconds'],
  [buffer((b) => b.share({ seconds: 2 ** 32 })), 'RangeError', 'terms.seconds'],
  [buffer((b) => b.share({ seconds: '60' })), 'TypeError', 'terms.seconds'],
  [buffer((b) => b.share({ uid: -1 })), 'RangeError', 'terms.uid'],
  [buffer((b) => b.share({ uid: 0xffff_ffff })), 'RangeError', 'terms.uid'],
  [buffer((b) => b.share({ uid: 'root' })), 'TypeError', 'terms.uid'],
  [buffer((b) => b.share({ uses: 0 })), 'RangeError', 'terms.uses'],
  [buffer((b) => b.share({ uses: 1.5 })), 'RangeError', 'terms.uses'],
  [buffer((b) => b.share({ mayRenew: 'yes' })), 'TypeError', 'terms.mayRenew'],
  [buffer((b) => b.share({ expires: 60 })), 'TypeError', 'terms.expires is no field'],
  [buffer((b) => b.share(60)), 'TypeError', 'terms'],
  [buffer((b) => b.renew()), 'TypeError', 'seconds'],
  [buffer((b) => b.renew(0.5)), 'RangeError', 'seconds'],
  [buffer((b) => b.renew(2 ** 32)), 'RangeError', 'seconds'],
  [buffer((b) => b.park()), 'TypeError', 'seconds'],
  [buffer((b) => b.park(-1)), 'RangeError', 'seconds'],
  [buffer((b) => b.park(60, { lease: 1 })), 'TypeError', 'options.lease is no field'],
  [untyped((client) => client.adopt('a')), 'TypeError', 'must be an object'],
  [untyped((client) => client.adopt({ id: 'a' })), 'TypeError', 'session is missing'],
  [untyped((client) => client.adopt({ id: '', session: 'a' })), 'RangeError', 'id'],
  [untyped((client) => client.adopt({ id: 'a', session: 7 })), 'TypeError', 'session'],
  [
    untyped((client) => client.adopt({ id: 'a', session: 'a', memory: { ...memory, planes: [] } })),
    'RangeError',
    'memory.planes',
  ],
  [buffer((b) => b.fill(-1)), 'RangeError', 'value'],
  [buffer((b) => b.fill(2 ** 32)), 'RangeError', 'value'],
  [buffer((b) => b.fill('0')), 'TypeError', 'value'],
  [buffer((b) => b.fill(0, { offset: 2 ** 64 })), 'RangeError', 'range.offset'],
  [buffer((b) => b.fill(0, { offset: -4 })), 'RangeError', 'range.offset'],
  [buffer((b) => b.fill(0, { size: 0 })), 'RangeError', 'range.size'],
  [buffer((b) => b.fill(0, { length: 4 })), 'TypeError', 'range.length is no field'],
  [buffer((b) => b.read({ offset: 0.5 })), 'RangeError', 'range.offset'],
  [buffer((b) => b.read({ size: 2 ** 60 })), 'RangeError', 'range.size'],
  [buffer((b) => b.copyFrom(b.planes[0])), 'TypeError', 'source'],
  [buffer((b) => b.copyFrom(b, { sourceOffset: -1 })), 'RangeError', 'what.sourceOffset'],
  [buffer((b) => b.map({ plane: 4 })), 'RangeError', 'options.plane'],
  [buffer((b) => b.map({ plane: 3 })), 'RangeError', 'there is no plane 3'],
  [buffer((b) => b.map({ offset: -4096 })), 'RangeError', 'options.offset'],
  [buffer((b) => b.map({ size: 0 })), 'RangeError', 'options.size'],
  [buffer((b) => b.map({ size: 4097 })), 'RangeError', 'the memory has 4096 bytes'],
  [buffer((b) => b.map({ write: 1 })), 'TypeError', 'options.write'],
  [buffer((b) => b.map({ prot: 3 })), 'TypeError', 'options.prot is no field'],
  [buffer((b) => b.onReleased()), 'TypeError', 'listener'],
  [buffer((b) => b.onRecalled({})), 'TypeError', 'listener'],
  // Given up before it began.
  [(client) => client.allocate(linear, { signal: aborted }), 'AbortError', 'This operation was'],
  [buffer((b) => b.share({ signal: aborted })), 'AbortError', 'This operation was'],
];

await withoutLeaks(t, 'wrong arguments', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });
  const own = await client.allocate(linear);
  own.map().write((bytes) => bytes.fill(7));

  for (const [index, [ask, name, at]] of WRONG.entries()) {
    // A method that is no async one throws; the others reject.
    const error = await (async () => ask(client, own))().then(
      () => null,
      (error: Error) => error,
    );
    const what = `${index}: ${error}`;
    if (error?.name !== name || !error.message.trimStart().startsWith(at)) {
      t.fail(`${what}; not ${name}: ${at}`);
    } else t.pass(what);
  }

  t.test('the connection and the buffer are what they were', async (t) => {
    t.same(
      (await daemon.buffers()).map(({ id }) => id),
      [own.id],
    );
    const { bytes } = await own.read();
    t.ok(bytes.every((byte) => byte === 7));
    const again = await client.redeem(await own.share());
    t.equal(again.id, own.id);
    await again.close();
    await own.close();
    t.ok(WRONG.length >= 80);
  });

  t.test('where to connect', async (t) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a caller without types can give.
    const wrong = (options: any) => connect(options);
    await t.rejects(wrong({ socket: 7 }), { name: 'TypeError', message: /^options.socket/ });
    await t.rejects(wrong({ socket: `/${long}` }), { name: 'RangeError' });
    await t.rejects(wrong({ path: '/x' }), { name: 'TypeError', message: /^options.path is no/ });
    await t.rejects(wrong({ reconnect: 60 }), { name: 'TypeError', message: /^options.reconnect/ });
    for (const seconds of [0, 0.5, 86_401]) {
      const range = { name: 'RangeError', message: /^options.reconnect.seconds/ };
      await t.rejects(wrong({ reconnect: { seconds } }), range);
    }
    await t.rejects(connect({ signal: aborted }), { name: 'AbortError' });
  });

  t.test('nothing stays behind', async () => {
    client.close();
    await daemon.settled(before);
  });
});
