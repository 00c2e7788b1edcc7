/**
 * A real daemon whose log cannot be written: its reader has stopped, has gone, the disk is full. Everybody
 * is served all the same, SIGTERM ends it, and what was lost is told.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { type Client, connect } from '../../../src/client/index.js';
import { close } from '../../../src/native/libc/fd.js';
import { packageRoot } from '../../../src/package-root.js';
import { MAX_REFUSAL_LINES } from '../../../src/server/events/refusal-lines.js';
import { eventually, withoutVulkan } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { ask } from '../../support/rest.js';

const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
/** Their lines, of 310 bytes, are more than a pipe and the queue have room for, which is 4,000 of one kind. */
const MANY = 6000;
/** These are more than a pipe has room for: twice. */
const SOME = 500;

class Served {
  private constructor(
    readonly child: ChildProcess,
    readonly clients: string,
    readonly rest: (method: string, path: string, body?: unknown) => ReturnType<typeof ask>,
  ) {}

  /** One that logs to `stderr`, and answers. It ends with the test. */
  static async start(t: Test, stderr: 'pipe' | number, toml = ''): Promise<Served> {
    const folder = temporaryFolder(t);
    const [clients, socketPath] = [join(folder, 'c.sock'), join(folder, 'r.sock')];
    const config = join(folder, 'c.toml');
    writeFileSync(config, toml);
    const args = ['--socket', clients, '--rest-socket', socketPath, '--config', config];
    const node = [join(packageRoot, 'bin', 'dmabrokerd.js'), ...args, '--state-dir', folder];
    const child = spawn(process.execPath, node, {
      env: withoutVulkan,
      stdio: ['ignore', 'ignore', stderr],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const rest = (method: string, path: string, body?: unknown) =>
      ask({ socketPath, method, path, agent: false }, body);
    const answers = async () => (await rest('GET', '/healthz').catch(() => null))?.status === 200;
    await eventually(answers, 'it serves');
    return new Served(child, clients, rest);
  }

  /** Its exit status. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

/** Does what costs least for a line: so many times it renews a lease. */
async function busy(client: Client, many = MANY): Promise<void> {
  const buffer = await client.allocate({ ...MEMFD, lifetime: { lease: 600 } });
  for (let done = 0; done < many; done += 50) {
    await Promise.all(Array.from({ length: 50 }, () => buffer.renew(600)));
  }
  await buffer.release();
}

/** Takes what comes, until what it has says enough. */
async function read(
  stderr: Readable,
  enough: (lines: Record<string, unknown>[]) => boolean,
): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  stderr.setEncoding('utf8').on('data', (chunk) => {
    const pieces = `${rest}${chunk}`.split('\n');
    rest = pieces.pop() ?? '';
    for (const line of pieces) lines.push(JSON.parse(line));
  });
  await eventually(() => enough(lines), 'the log says it');
  return [...lines];
}

const isRenewal = ({ act }: Record<string, unknown>) => act === 'renew';
const uid = process.getuid?.() ?? 0;

await withoutLeaks(t, 'a log that cannot be written', async (t) => {
  await t.test(
    'a reader that has stopped holds up nobody, and is told what it missed',
    async (t) => {
      const daemon = await Served.start(t, 'pipe');
      const client = await connect({ socket: daemon.clients });
      await busy(client);
      client.close();
      t.equal((await daemon.rest('GET', '/v1/buffers')).status, 200);
      const { body } = await daemon.rest('GET', '/metrics');
      const metric = new RegExp(`^dmabroker_log_lines_lost_total{who="uid ${uid}"} (\\d+)$`, 'm');
      const lost = Number(metric.exec(String(body))?.[1]);
      t.comment(`${lost} were lost`);
      t.ok(lost > 0);
      const { stderr } = daemon.child;
      if (stderr === null) throw new Error('no pipe');
      const lines = await read(stderr, (all) => all.some((line) => 'lost' in line));
      const told = lines.find((line) => 'lost' in line)?.lost as Record<string, number>;
      t.ok((told[`uid ${uid}`] ?? 0) >= lost);
      const acts = lines.filter(({ component }) => component === 'audit').length;
      t.equal(acts + (told[`uid ${uid}`] ?? 0), MANY + 2, 'each act is a line or counted');
      t.equal(await daemon.stop(), 0);
    },
  );

  await t.test(
    'connections that are ended again and again have a bounded number of lines',
    async (t) => {
      const daemon = await Served.start(t, 'pipe');
      const { stderr } = daemon.child;
      if (stderr === null) throw new Error('no pipe');
      const DROPPED = MAX_REFUSAL_LINES + 50;
      const isDrop = ({ msg }: Record<string, unknown>) => msg === 'client dropped';
      const reading = read(stderr, (all) => all.some(({ suppressed }) => suppressed !== undefined));
      for (let i = 0; i < DROPPED; i++) {
        const socket = createConnection(daemon.clients);
        socket.end(Buffer.alloc(8)).resume(); // a message of 0 bytes
        await once(socket, 'close');
      }
      t.equal(await daemon.stop(), 0);
      const lines = await reading;
      const written = lines.filter(isDrop).length;
      const counted = lines.map(({ suppressed }) => Number(suppressed ?? 0));
      t.ok(written < DROPPED, `${written} lines`);
      t.equal(written + counted.reduce((a, b) => a + b, 0), DROPPED, 'each is a line or counted');
    },
  );

  await t.test('SIGTERM ends it while nobody reads', async (t) => {
    const daemon = await Served.start(t, 'pipe');
    const client = await connect({ socket: daemon.clients });
    await busy(client, SOME);
    client.close();
    t.equal(await daemon.stop(), 0);
    daemon.child.stderr?.destroy();
  });

  await t.test('a full disk', async (t) => {
    const full = openSync('/dev/full', 'w'); // ENOSPC (full(4))
    const daemon = await Served.start(t, full);
    close(full);
    t.equal((await daemon.rest('GET', '/v1/buffers')).status, 200);
    const { body } = await daemon.rest('GET', '/metrics');
    t.match(String(body), /^dmabroker_log_lines_lost_total{who="log"} [1-9]/m);
    t.equal(await daemon.stop(), 0);
  });

  await t.test('a reader that has gone', async (t) => {
    const daemon = await Served.start(t, 'pipe');
    daemon.child.stderr?.destroy();
    const client = await connect({ socket: daemon.clients });
    await (await client.allocate(MEMFD)).release();
    client.close();
    t.equal((await daemon.rest('GET', '/v1/buffers')).status, 200);
    t.equal(await daemon.stop(), 0);
  });

  await t.test('audit_when_full = "block": nothing is done that cannot be recorded', async (t) => {
    const daemon = await Served.start(t, 'pipe', '[log]\naudit_when_full = "block"\n');
    const client = await connect({ socket: daemon.clients });
    const all = busy(client);
    const create = () =>
      daemon.rest('POST', '/v1/buffers', { kind: 'buffer', size: 4096, handle_types: ['memfd'] });
    let answer = await create();
    const refused = async () => {
      answer = await create();
      return answer.status !== 201;
    };
    await eventually(refused, 'there is no room');
    t.match(answer, { status: 503, body: { code: 'busy' } });
    t.equal((await daemon.rest('GET', '/v1/buffers')).status, 200, 'who only looks is answered');
    const { stderr } = daemon.child;
    if (stderr === null) throw new Error('no pipe');
    const reading = read(stderr, (lines) => lines.filter(isRenewal).length >= MANY);
    await all;
    client.close();
    const lines = await reading;
    t.equal(lines.filter(isRenewal).length, MANY, 'every act is recorded');
    t.notOk(lines.some((line) => 'lost' in line));
    t.equal(await daemon.stop(), 0);
  });
});
