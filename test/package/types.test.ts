/**
 * TypeScript finds the package's types in every way of resolving modules that it has, from both kinds of
 * module, and they are strict: what is wrong is seen.
 */
import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { pack, unpack } from './support/installed.js';

t.setTimeout(300_000);
const folder = unpack(t, pack());
// What a user of TypeScript has: Node's types.
symlinkSync(join(packageRoot, 'node_modules/@types'), join(folder, 'node_modules/@types'));
symlinkSync(
  join(packageRoot, 'node_modules/undici-types'),
  join(folder, 'node_modules/undici-types'),
);

const USE = `
export async function use(): Promise<number> {
  const client: Client = await connect({ socket: '/nowhere' });
  const image = await client.allocate({ kind: 'image', width: 1, height: 1, format: 'XR24' });
  const memory: MappedMemory = image.map();
  memory.write((bytes) => bytes.fill(0xff));
  try {
    return image.size;
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'not_found') return 0;
    throw error;
  }
}
// @ts-expect-error: a width is a number
export const wrong = (client: Client) => client.allocate({ kind: 'image', width: 'x', height: 1, format: 'XR24' });
`;
const NAMES = 'BrokerError, type Client, connect, type MappedMemory';
writeFileSync(join(folder, 'esm.mts'), `import { ${NAMES} } from 'dmabroker';${USE}`);
writeFileSync(join(folder, 'cjs.cts'), `import { ${NAMES} } from 'dmabroker';${USE}`);
writeFileSync(
  join(folder, 'required.cts'),
  `import dmabroker = require('dmabroker');
  export const connected: Promise<dmabroker.Client> = dmabroker.connect();\n`,
);
writeFileSync(join(folder, 'plain.ts'), `import { ${NAMES} } from 'dmabroker';${USE}`);

const MODES: Readonly<Record<string, readonly string[]>> = {
  'node10, CommonJS': ['--module', 'commonjs', '--moduleResolution', 'node10', 'plain.ts'],
  node16: ['--module', 'node16', 'esm.mts', 'cjs.cts', 'required.cts'],
  nodenext: ['--module', 'nodenext', 'esm.mts', 'cjs.cts', 'required.cts'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler', 'plain.ts'],
};

for (const [name, args] of Object.entries(MODES)) {
  t.test(name, async (t) => {
    const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--noEmit', '--target', 'es2022', '--types', 'node'];
    // The package's own declarations are checked, too, as strictly as anybody may; once, since Node's are as well.
    const own = name === 'nodenext' ? '--exactOptionalPropertyTypes' : '--skipLibCheck';
    const all = [tsc, ...strict, own, ...args];
    const run = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' });
    t.equal(run.stdout, '');
    t.equal(run.status, 0);
  });
}
