/** The examples of docs/rest.md work as they are written, with curl. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { withoutLeaks } from '../../support/fds.js';
import { root } from './support/root.js';
import { startServer } from './support/server.js';

const page = readFileSync(join(root, 'docs/rest.md'), 'utf8');
const examples = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = '']) => code);
// --json came with curl 7.82 (2022).
const skip = spawnSync('curl', ['--json', '{}', '--version']).status === 0 ? false : 'no curl';

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
      t.equal(server.control.buffers.size, 0, 'what was made was released');
    });
  }

  t.test('the error shown is the one that is answered', async (t) => {
    const server = await startServer(t);
    const [, shown = ''] = /^```json\n(.*?)^```$/ms.exec(page) ?? [];
    const body = { kind: 'buffer', size: 0 };
    const answer = await server.request('POST', '/v1/buffers', { body });
    t.same(answer.json, JSON.parse(shown));
  });
});
