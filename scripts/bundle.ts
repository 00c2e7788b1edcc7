/**
 * Makes the daemon's bundle, and those of the command lines: a file for each of the daemon's threads, and the REST server
 * apart, so that it is loaded while the device opens. White space is what costs in the guest, where parsing is slow.
 *
 * What packages load and the daemon never uses is left out: it would be in memory for as long as the daemon runs.
 *
 * Run by the build: `node dist/.bundle.js <folder> <metafile>`.
 */
import { writeFileSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

const [folder = '', metafile = ''] = process.argv.slice(2);

/** By the file that loads them. Each is an empty object there; what is used of it would throw at once. */
const UNUSED: Readonly<Record<string, readonly string[]>> = {
  // Servers with TLS or HTTP/2; requests without a network; schemas of Fastify's (http/server.ts gives it its own
  // compilers).
  'fastify/lib/server.js': ['node:https', 'node:http2'],
  'fastify/fastify.js': ['light-my-request'],
  'fastify/lib/schema-controller.js': [
    '@fastify/ajv-compiler',
    '@fastify/fast-json-stringify-compiler',
  ],
  // Commands that are programs of their own.
  'commander/lib/command.js': ['node:child_process'],
  // Metrics that are pushed, or of several processes.
  'prom-client/index.js': ['./lib/pushgateway', './lib/cluster'],
  // Exemplars of traces.
  'prom-client/lib/metrics/processCpuTotal.js': ['@opentelemetry/api'],
};

const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    const names = new Set(Object.values(UNUSED).flat());
    onResolve({ filter: /./ }, ({ path, importer }) => {
      if (!names.has(path)) return null;
      const [, file = ''] = importer.split('/node_modules/');
      return UNUSED[file]?.includes(path) ? { path, namespace: 'left-out' } : null;
    });
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const THREADS = ['main', 'plane/main', 'allocator/main', 'preview/main', 'looker/main'];
const { metafile: made } = await build({
  entryPoints: [
    ...[...THREADS, 'keeper/main'].map((thread) => `src/server/${thread}.ts`),
    'src/cli/main.ts',
    'src/unixfd/main.ts',
  ],
  outdir: folder,
  outbase: 'src',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  external: ['ffi-rs'],
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  plugins: [leaveOut],
});
const inputs = Object.fromEntries(
  Object.entries(made.inputs).filter(([path]) => !path.startsWith('left-out:')),
);
writeFileSync(metafile, JSON.stringify({ ...made, inputs }));
