/** The examples of docs/rest.md work as they are written, with curl. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { withoutLeaks } from '../../support/fds.js';
import { document } from './support/conforms.js';
import { root } from './support/root.js';
import { startServer } from './support/server.js';

const page = readFileSync(join(root, 'docs/rest.md'), 'utf8');
const examples = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = '']) => code);
// --json came with curl 7.82 (2022).
const skip = spawnSync('curl', ['--json', '{}', '--version']).status === 0 ? false : 'no curl';

/** Whether a line of the table speaks of an operation: `` `GET`, `PUT /v1/log-level` ``. */
function mentions(line: string, method: string, path: string): boolean {
  const [, request = ''] = line.split('|');
  const plain = request.replaceAll('`', '').replace(/\?\S*/g, '');
  return plain.split(/[\s,]+/).includes(method) && plain.split(/[\s,]+/).includes(path);
}

await withoutLeaks(t, 'docs/rest.md', async (t) => {
  t.ok(examples.length >= 3);
  for (const [index, code] of examples.entries()) {
    t.test(`example ${index + 1}`, { skip }, async (t) => {
      const server = await startServer(t);
      const child = spawn('bash', ['-euc', code], {
        env: { PATH: process.env.PATH, DMABROKER_REST_SOCKET: server.socketPath },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const closed = new Promise((resolve) => child.once('close', resolve));
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      t.equal(await closed, 0, stderr);
      t.not(stdout, '');
      t.equal(server.daemon.buffers.length, 0, 'what was made was released');
    });
  }

  t.test('the error shown is the one that is answered', async (t) => {
    const server = await startServer(t);
    const [, shown = ''] = /^```json\n(.*?)^```$/ms.exec(page) ?? [];
    const body = { kind: 'buffer', size: 0 };
    const answer = await server.request('POST', '/v1/buffers', { body });
    // Of another run.
    const { request_id, ...problem } = JSON.parse(shown);
    t.match(request_id, /^[0-9a-f]{16}$/);
    const { request_id: _, ...answered } = answer.json as { request_id: string };
    t.same(answered, problem);
  });

  t.test('every operation is in a table', async (t) => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of Object.keys(item)) {
        // HEAD is described once for all.
        if (['parameters', 'head'].includes(method)) continue;
        const line = page
          .split('\n')
          .filter((each) => each.startsWith('| `'))
          .find((each) => mentions(each, method.toUpperCase(), path));
        t.ok(line, `${method} ${path}`);
      }
    }
  });
});
