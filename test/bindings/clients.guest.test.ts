/**
 * Clients of other bindings do the main job with dma_bufs: waylandpp's in C++ and pywayland's in Python.
 * Each shares with each, and after `revoke`, `release` and the destructors its connection goes on.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer as readAll, text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import type { Interface } from '../../src/protocol/wire.js';
import { TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { layOut, SAID, shown, XML } from './page.js';

const run = promisify(execFile);

interface Client {
  readonly name: string;
  readonly argv: readonly string[];
}

const clients: readonly Client[] = [
  { name: 'C++', argv: [join(packageRoot, 'examples/cpp/build/dmabroker-example-cpp')] },
  { name: 'Python', argv: ['python3', join(packageRoot, 'examples/python/dmabroker-example.py')] },
];

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = daemon.openFds();

function start(t: Test, { argv }: Client, ...args: string[]): ChildProcess {
  const [program = '', ...first] = argv;
  const env = { PATH: process.env.PATH, DMABROKER_SOCKET: daemon.clientSocket };
  const child = spawn(program, [...first, ...args], { env, stdio: 'pipe' });
  t.teardown(() => child.kill());
  return child;
}

async function redeem(t: Test, client: Client, token: string) {
  const child = start(t, client, 'redeem', token);
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('no pipes');
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [bytes, said, [status]] = await Promise.all([readAll(stdout), text(stderr), closed]);
  return { bytes, said, status };
}

for (const owner of clients) {
  t.test(`a buffer of the client in ${owner.name}`, async (t) => {
    const child = start(t, owner, 'alloc');
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
    const said = text(stderr);
    const closed = once(child, 'close');
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const line = async () => (await lines.next()).value ?? (await said);

    const token = await line();
    t.match(token, /^[a-z2-7]{26}$/);
    const { body: buffers } = await daemon.rest('GET', '/v1/buffers?state=live');
    t.match(buffers, [{ name: `${owner.name} example`, handle_type: 'dma_buf', format: 'NV12' }]);
    const { size }: { size: number } = buffers[0];
    for (const reader of clients) {
      const { bytes, said, status } = await redeem(t, reader, token);
      t.equal(status, 0, said);
      const luma = bytes.indexOf(2);
      t.ok(luma >= 640 * 480 && size - luma >= 320 * 240 * 2, 'each plane in a memory of its own');
      const expected = Buffer.concat([Buffer.alloc(luma, 1), Buffer.alloc(size - luma, 2)]);
      t.ok(bytes.equals(expected), `${reader.name} reads the same bytes, of both memories`);
    }

    stdin.write('\n');
    t.equal(await line(), 'revoked');
    for (const reader of clients) {
      const { said, status } = await redeem(t, reader, token);
      t.equal(status, 1);
      t.match(said, 'the token is unknown, used up, expired or not for you');
    }
    stdin.write('\n');
    t.equal(await line(), 'released', 'a release and the destructor do not end the connection');
    t.equal(await line(), 'another of 2 memories', 'and it goes on');
    stdin.end();
    t.same(await closed, [0, null], await said);
  });
}

t.test('the first fd in Python, as docs/first-fd.md shows it', async (t) => {
  const folder = temporaryFolder(t);
  const page = shown('Python');
  layOut(page, folder);
  const env = { PATH: process.env.PATH, XML, DMABROKER_SOCKET: daemon.clientSocket };
  const { stdout } = await run('sh', ['-ec', page.commands], { cwd: folder, env });
  t.equal(stdout, SAID);
});

/** Prints what pywayland's classes have, a line a message. */
const NAMES = `
import dmabroker_wire
dmabroker_wire.generate()
import dmabroker_v1
for interface in vars(dmabroker_v1).values():
    if isinstance(interface, type):
        for kind in ("requests", "events"):
            for message in getattr(interface, kind):
                print(interface.name, kind, message.name, len(message.arguments))
`;

t.test("pywayland's scanner makes every request and event", async (t) => {
  const cwd = join(packageRoot, 'examples/python');
  const { stdout } = await run('python3', ['-W', 'error', '-c', NAMES], { cwd });
  const all: readonly Interface[] = Object.values(dmabroker);
  const expected = all.flatMap(({ name, requests, events }) => [
    ...requests.map((each) => `${name} requests ${each.name} ${each.args.length}`),
    ...events.map((each) => `${name} events ${each.name} ${each.args.length}`),
  ]);
  t.same(stdout.trim().split('\n').sort(), expected.sort());
});

t.test('nothing stays behind', async (t) => {
  await daemon.released(before);
  t.strictSame(daemon.errors, [], 'no error');
});
