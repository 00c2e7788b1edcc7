/** A daemon without a file descriptor left: every question over REST has an answer, and none is a defect. */
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { packageRoot } from '../../../src/package-root.js';
import { readSpec } from '../../../src/server/http/spec.js';
import { TestDaemon } from '../../support/daemon.js';

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
}

const spec = readSpec(join(packageRoot, 'openapi.yaml'));
const questions = spec.operations.filter(({ method }) => method === 'GET');

t.test('every GET without a file descriptor', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket });
  const image = await client.allocate({
    kind: 'image',
    width: 64,
    height: 64,
    format: 'XR24',
    handleTypes: ['memfd'],
    lifetime: 'until_released',
    lastingName: 'starved',
  });
  await image.commit({ metadata: {} });
  const [{ id: clientId } = { id: '' }] = await daemon.clients();
  const values: Record<string, string> = { file: 'start.js', scope: 'user', key: '1000' };
  const pathOf = (path: string) => {
    const id = path.startsWith('/v1/clients') ? clientId : image.id;
    return path.replace(/\{(\w+)\}/g, (_, name: string) =>
      name === 'id' ? id : `${values[name]}`,
    );
  };

  // One connection, which is there before.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) =>
    new Promise<Answered>((resolve, reject) => {
      const options = { socketPath: daemon.restSocket, path, agent, host: 'localhost' };
      const asked = request(options, async (response) => {
        const status = response.statusCode ?? 0;
        const type = response.headers['content-type'] ?? '';
        if (type.startsWith('text/event-stream')) {
          resolve({ status, code: undefined });
          return;
        }
        const body = await text(response);
        const code = type.includes('problem') ? JSON.parse(body).code : undefined;
        resolve({ status, code });
      });
      asked.once('error', reject);
      asked.end();
    });
  const limit = (files: string) =>
    execFileSync('prlimit', ['--pid', `${daemon.pid}`, `--nofile=${files}`]);

  // A stream does not end, and would keep the one connection: it is asked for at the end.
  const last = questions.filter(({ id }) => id === 'streamEvents');
  const all = [...questions.filter(({ id }) => id !== 'streamEvents'), ...last];
  t.equal((await get('/healthz')).status, 200);
  limit('3:');
  const refused: string[] = [];
  for (const { id, path } of all) {
    const { status, code } = await get(pathOf(path));
    t.ok(status < 500 || status === 503, `${id}: ${status} ${code}`);
    t.not(code, 'internal', id);
    if (status !== 200) refused.push(`${id}: ${status} ${code}`);
  }
  t.ok(refused.includes('listHolders: 429 limit_exceeded'), refused.join(', '));
  limit('1024:');
  agent.destroy();
  for (const { id, path } of all.filter((each) => !last.includes(each))) {
    // What was found out within the last second is not found out anew.
    const good = async () => (await get(pathOf(path))).status === 200;
    let served = await good();
    for (let i = 0; i < 200 && !served; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      served = await good();
    }
    t.ok(served, `${id} is answered again`);
  }
  t.same(daemon.errors, []);
  agent.destroy();
  client.close();
});
