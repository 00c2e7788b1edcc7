/**
 * The folders of src: which may know which, that there are no circles, and that nothing new stands at the
 * top of src/server. docs/design.md says what each folder is for and in which thread it runs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/package-root.js';

const src = join(packageRoot, 'src');

/**
 * Each folder of src with its own subfolders, and what its files may import beside one another. What is
 * not named here does not exist. `native/libc` stands for that subfolder alone, `package-root` for the file.
 */
const MAY_KNOW: Readonly<Record<string, readonly string[]>> = {
  'package-root': [],
  memory: [],
  protocol: ['memory'],
  rest: [],
  pixels: ['memory'],
  broker: ['memory'],
  native: ['memory'],
  client: ['memory', 'protocol', 'native/libc', 'native/dmabuf'],
  cli: ['memory', 'rest', 'client', 'pixels', 'protocol/paths', 'package-root'],
  // Another program, and a client like any other, of which the command line's words are used.
  'unixfd/codec': ['memory'],
  unixfd: [
    ...['memory', 'client', 'native/libc', 'native/kind', 'protocol/paths', 'package-root'],
    ...['cli/failure', 'cli/numbers', 'cli/printable', 'server/machine/socket-file'],
  ],
  // What any thread of the daemon may use.
  'server/machine': ['memory', 'broker', 'native'],
  'server/words': ['memory', 'broker', 'rest', 'pixels', 'server/machine'],
  // Processes of their own.
  'server/looker': ['memory', 'native/libc', 'server/machine', 'server/words'],
  'server/keeper': ['memory', 'native/libc', 'server/machine', 'server/words'],
  // The threads beside the main one.
  'server/allocator': ['memory', 'broker', 'native', 'server/words'],
  'server/preview': ['memory', 'pixels', 'native/libc', 'server/words'],
  'server/wayland': ['memory', 'broker', 'native', 'protocol', 'server/machine', 'server/words'],
  'server/kept': ['memory', 'broker', 'native', 'server/words'],
  'server/plane': [
    ...['memory', 'broker', 'native', 'rest'],
    ...['server/machine', 'server/words', 'server/wayland', 'server/kept'],
  ],
  // The main thread.
  'server/config': ['memory', 'broker', 'protocol', 'rest', 'server/machine', 'server/words'],
  'server/log': ['memory', 'broker', 'server/config'],
  'server/state': [
    ...['memory', 'broker', 'native', 'rest', 'server/machine', 'server/words'],
    ...['server/config', 'server/kept'],
  ],
  'server/lists': ['memory', 'rest', 'server/words'],
  'server/events': ['memory', 'broker', 'rest', 'server/words', 'server/config', 'server/log'],
  'server/observe': [
    ...['memory', 'broker', 'native/libc', 'rest'],
    ...['server/machine', 'server/words', 'server/config'],
  ],
  'server/threads': ['memory', 'native', 'rest', 'server/words', 'server/lists'],
  'server/http': [
    ...['memory', 'broker', 'native/libc', 'rest', 'pixels', 'package-root'],
    ...['server/machine', 'server/words', 'server/config', 'server/log', 'server/state'],
    ...['server/lists', 'server/events', 'server/observe', 'server/threads'],
  ],
};

/** Composition alone: these may know everything. */
const TOP = ['daemon.ts', 'main.ts', 'reports.ts', 'start.ts', 'started.ts'];

/** Every file of src, with the files that it imports; paths from src. */
function readImports(): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(join(src, name), 'utf8');
    const found = text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g);
    const paths = [...found].map(([, path = '']) => normalize(join(dirname(name), `${path}.ts`)));
    imports.set(name, paths);
  }
  return imports;
}

const folders = Object.keys(MAY_KNOW).toSorted((a, b) => b.length - a.length);
const isIn = (file: string, folder: string) =>
  file.startsWith(`${folder}/`) || file === `${folder}.ts`;
const folderOf = (file: string) => folders.find((folder) => isIn(file, folder));

/** Imports that no arrow allows. */
function wrongArrows(imports: ReadonlyMap<string, readonly string[]>): string[] {
  return [...imports].flatMap(([file, paths]) => {
    if (relative('server', file).split('/').length === 1 && dirname(file) === 'server') return [];
    const folder = folderOf(file);
    if (folder === undefined) return [`${file} is in no folder of this table`];
    const allowed = [folder, ...(MAY_KNOW[folder] ?? [])];
    return paths
      .filter((path) => !allowed.some((each) => isIn(path, each)))
      .map((path) => `${file} imports ${path}`);
  });
}

/** A way from a file back to itself, for each file that has one which was not told already. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

const imports = readImports();

t.test('a folder knows what it may know', async (t) => {
  t.same(wrongArrows(imports), []);
  for (const folder of folders) {
    t.ok(
      [...imports.keys()].some((file) => isIn(file, folder)),
      `there is ${folder}`,
    );
  }
});

t.test('a wrong arrow is found', async (t) => {
  const planted = [
    ['memory/source.ts', 'broker/broker.ts'],
    ['native/step.ts', 'broker/broker.ts'],
    ['cli/main.ts', 'server/words/messages.ts'],
    ['server/wayland/buffer.ts', 'server/plane/views.ts'],
    ['client/client.ts', 'native/vulkan/device.ts'],
    ['unixfd/main.ts', 'server/words/messages.ts'],
    ['cli/main.ts', 'unixfd/peers.ts'],
    ['server/new/file.ts', 'memory/errors.ts'],
  ] as const;
  for (const [file, path] of planted) {
    t.equal(wrongArrows(new Map([[file, [path]]])).length, 1, `${file} → ${path}`);
  }
});

t.test('no file imports itself by way of others', async (t) => {
  t.same(circles(imports), []);
  const planted = { 'a.ts': ['b.ts'], 'b.ts': ['c.ts'], 'c.ts': ['a.ts'], 'd.ts': ['a.ts'] };
  t.same(circles(new Map(Object.entries(planted))), ['a.ts → b.ts → c.ts → a.ts']);
});

t.test(
  'at the top of src/server there is what puts the parts together, and nothing else',
  async (t) => {
    const top = [...imports.keys()].filter((file) => dirname(file) === 'server');
    t.same(top.toSorted(), TOP.map((name) => `server/${name}`).toSorted());
  },
);

t.test('no process is started while there are clients', async (t) => {
  // fork(2) closes what they gave, in a child that spawn(2) waits for (server/machine/nss.ts).
  const starts = [...imports.keys()].filter(
    (file) =>
      file.startsWith('server/') &&
      readFileSync(join(src, file), 'utf8').includes("'node:child_process'"),
  );
  t.same(starts.toSorted(), ['server/machine/nss.ts', 'server/machine/resolver.ts']);
});
