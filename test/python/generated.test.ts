/** What the Python client has of the protocols' XML and of the table of formats is up to date; its version is the package's. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { temporaryFolder } from '../support/folder.js';

const script = join(packageRoot, 'dist/scripts/generate-python.js');
const XML = 'protocol/dmabroker-v1.xml';
const CLIENT = 'clients/python/src/dmabroker';
const check = (cwd: string) =>
  spawnSync(process.execPath, [script, '--check'], { cwd, encoding: 'utf8' });
const textOf = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

t.test('the generated modules are those of the definitions', async (t) => {
  const now = check(packageRoot);
  t.equal(now.status, 0, now.stderr);
  t.notMatch(now.stdout, 'not compared', 'libwayland-dev is here');
});

t.test('a difference is found', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'protocol'));
  cpSync(join(packageRoot, CLIENT), join(folder, CLIENT), { recursive: true });
  writeFileSync(join(folder, XML), textOf(XML).replace('summary="the token, a secret"', ''));
  const stale = check(folder);
  t.equal(stale.status, 1);
  t.match(stale.stderr, `${CLIENT}/_dmabroker_gen.py is not what ${XML} says`);
});

t.test('the version is the one of package.json', async (t) => {
  const { version } = JSON.parse(textOf('package.json')) as { version: string };
  t.match(textOf(`${CLIENT}/__init__.py`), `__version__ = "${version}"`);
});
