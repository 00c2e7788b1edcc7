/** Spectral, a linter of OpenAPI with rules of its own beside Redocly's, finds nothing in openapi.yaml. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { npmTools } from '../../support/npm-tools.js';
import { root } from './support/root.js';

// Where it must be installed first.
t.setTimeout(600_000);
const tools = await npmTools('api-checkers');

t.test('Spectral finds nothing in openapi.yaml', { timeout: 290_000 }, async (t) => {
  const program = join(tools, '@stoplight/spectral-cli/dist/index.js');
  const args = [
    'lint',
    'openapi.yaml',
    '--ruleset',
    'spectral.yaml',
    '--format',
    'json',
    '--quiet',
  ];
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  t.same(JSON.parse(await text(child.stdout)), []);
  t.same(await closed, [0, null]);
});
