/** What is asked for in one turn of the event loop goes together, and whatever ends the turn. */
import { spawnSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { type Client, connect } from '../../src/client/index.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import type { Interface } from '../../src/protocol/wire.js';
import { TestDaemon } from '../support/daemon.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

/** The requests in what came from a client, by name; objects are told apart by what they are made as. */
function requests(text: string, interfaces: Map<number, Interface>): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const names: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4) >>> 16) {
    const definition = interfaces.get(bytes.readUInt32LE(at));
    const { name, args } = definition?.requests[bytes.readUInt32LE(at + 4) & 0xffff] ?? {};
    const made = args?.[0]?.type === 'new_id' ? bytes.readUInt32LE(at + 8) : 0;
    if (name === 'create_params') interfaces.set(made, dmabroker_params_v1);
    if (name === 'create' || name === 'redeem') interfaces.set(made, dmabroker_buffer_v1);
    names.push(name ?? '?');
  }
  return names;
}

await withoutLeaks(t, 'bursts', async (t) => {
  t.test('a release and what is asked for next', async (t) => {
    const daemon = new FakeDaemon(t);
    const connecting = connect({ socket: daemon.path, reconnect: false });
    daemon.accept();
    const interfaces = new Map<number, Interface>([
      [1, wl_display],
      [4, dmabroker_manager_v1],
    ]);
    daemon.event(wl_registry, 2, 'global', 1, dmabroker_manager_v1.name, 1);
    daemon.event(wl_callback, 3, 'done', 0);
    daemon.event(dmabroker_manager_v1, 4, 'done');
    const client: Client = await connecting;
    daemon.received();

    const token = 'a token';
    const first = client.redeem(token);
    t.equal(daemon.received(), '', 'the turn is not over');
    await setImmediate();
    t.same(requests(daemon.received(), interfaces), ['redeem']);
    daemon.event(dmabroker_buffer_v1, 5, 'info', 'a', 1, 4, 'memfd', 0, 1, 0, 0, 0, 0, 0);
    daemon.event(dmabroker_buffer_v1, 5, 'done');
    const buffer = await first;

    buffer.release();
    const asked = Promise.allSettled([
      client.allocate(linear),
      client.redeem(token),
      client.allocate(linear),
    ]);
    t.equal(daemon.received(), '');
    await Promise.resolve();
    t.equal(daemon.received(), '');
    await setImmediate();
    const create = ['create_params', 'set_buffer', 'set_handle_types', 'create', 'destroy'];
    t.same(requests(daemon.received(), interfaces), [
      ...['release', 'destroy'],
      ...create,
      'redeem',
      ...create,
    ]);
    client.close();
    await asked;
  });

  t.test('whatever ends the turn', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const library = new URL('../../src/client/index.js', import.meta.url).href;
    const kept = JSON.stringify({ ...linear, lifetime: 'until_released' });
    for (const end of [
      'client.close();',
      'process.exit(0);',
      'process.exitCode = 0;',
      'process.once("uncaughtException", () => process.exit(0)); throw new Error();',
    ]) {
      const program = `
        const { connect } = await import(${JSON.stringify(library)});
        const client = await connect({ socket: ${JSON.stringify(daemon.clientSocket)} });
        const buffer = await client.allocate(${kept});
        buffer.release();
        ${end}`;
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', program],
        { encoding: 'utf8' },
      );
      t.equal(status, 0, stderr);
      while ((await daemon.clients()).length > 0);
      t.same(await daemon.buffers(), [], end);
    }
  });
});
