/**
 * TypeScript finds the package's types in every way of resolving modules that it has, from both kinds of
 * module, and they are strict: what is wrong is seen.
 */
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
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

/** What its user has written, and what came with the package. */
const ofUser = /[^/]*\/(node_modules\/dmabroker\/.*|(esm|cjs|required|plain)\.[mc]?ts)$/;

// One process reads and parses what all four have in common, TypeScript's and Node's own types.
const parsed = new Map<string, ts.SourceFile | undefined>();
function hostOf(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const own: ts.CompilerHost['getSourceFile'] = host.getSourceFile.bind(host);
  return {
    ...host,
    getCurrentDirectory: () => folder,
    getSourceFile: (name, how, ...rest) => {
      const format = typeof how === 'object' ? how.impliedNodeFormat : undefined;
      const key = `${name} ${format}`;
      if (!parsed.has(key)) parsed.set(key, own(name, how, ...rest));
      return parsed.get(key);
    },
  };
}

for (const [name, args] of Object.entries(MODES)) {
  t.test(name, async (t) => {
    const strict = ['--strict', '--noEmit', '--target', 'es2022', '--types', 'node'];
    // The package's own declarations are checked, too, as strictly as anybody may; once, and not Node's.
    const own = name === 'nodenext' ? '--exactOptionalPropertyTypes' : '--skipLibCheck';
    const { options, fileNames, errors } = ts.parseCommandLine([...strict, own, ...args]);
    const roots = fileNames.map((file) => join(folder, file));
    const program = ts.createProgram(roots, options, hostOf(options));
    const checked = program.getSourceFiles().filter(({ fileName }) => ofUser.test(fileName));
    const wrong = [
      ...errors,
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...program.getSyntacticDiagnostics(),
      ...checked.flatMap((file) => program.getSemanticDiagnostics(file)),
    ];
    t.same(
      wrong.map(({ file, messageText }) => [
        file?.fileName,
        ts.flattenDiagnosticMessageText(messageText, ' '),
      ]),
      [],
    );
    t.ok(roots.every((file) => program.getSourceFile(file) !== undefined));
    t.ok(checked.length > roots.length, 'the declarations of the package');
  });
}
