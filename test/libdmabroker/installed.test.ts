/** A copy of the C library that was installed: what it has, and that programs are compiled against it in C and C++. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { CLIENT, placesOf, run } from './support.js';

const PREFIX = '/opt/dmabroker';
const root = temporaryFolder(t);
const installed = join(root, PREFIX);
const header = readFileSync(join(CLIENT, 'dmabroker.h'), 'utf8');
const page = readFileSync(join(CLIENT, 'README.md'), 'utf8');
const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));

/** What pkg-config says of the copy. */
async function flags(...asked: string[]): Promise<string[]> {
  const places = {
    PKG_CONFIG_PATH: join(installed, 'lib/pkgconfig'),
    PKG_CONFIG_SYSROOT_DIR: root,
  };
  const { status, stdout, stderr } = await run('pkg-config', [...asked, 'dmabroker'], places);
  if (status !== 0) throw new Error(stderr);
  return stdout.trim().split(/\s+/);
}

/** Compiles strictly, and returns the program. */
async function compiled(t: Test, compiler: readonly string[], text: string): Promise<string> {
  const folder = temporaryFolder(t);
  const [source, program] = [join(folder, 'program.c'), join(folder, 'program')];
  writeFileSync(source, text);
  const [first = '', ...rest] = compiler;
  const strict = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-O0', source, '-o', program];
  const all = [...rest, ...strict, ...(await flags('--cflags', '--libs'))];
  const { status, stderr } = await run(first, all);
  t.equal(status, 0, stderr);
  return program;
}

const C11 = ['cc', '-std=c11', '-D_DEFAULT_SOURCE'];
const CXX = ['c++', '-x', 'c++', '-std=c++11'];

t.before(async () => {
  const made = await run('make', ['--silent', 'install', `DESTDIR=${root}`, `PREFIX=${PREFIX}`]);
  if (made.status !== 0) throw new Error(made.stderr);
});

t.test('what is installed', async (t) => {
  const names = readdirSync(installed, { recursive: true, encoding: 'utf8' }).sort();
  t.same(
    names.filter((name) => name.includes('dmabroker')),
    [
      'include/dmabroker.h',
      ...['a', 'so', 'so.0'].map((end) => `lib/libdmabroker.${end}`),
      'lib/pkgconfig/dmabroker.pc',
    ],
  );
  t.same(await flags('--modversion'), [version]);
});

/** Names that others can link to. */
async function globals(args: readonly string[], file: string): Promise<string[]> {
  const { stdout } = await run('nm', [...args, '--defined-only', join(installed, 'lib', file)]);
  const found = [...stdout.matchAll(/^\S+ [TDRBVW] (\w+)/gm)].map(([, name = '']) => name);
  return found.sort();
}

t.test('programs can link to what the header says, and to nothing else', async (t) => {
  const declared = [...header.matchAll(/\b(dmabroker_\w+)\(/g)].map(([, name = '']) => name);
  const inHeader = new Set(declared);
  // These two are in the header whole.
  for (const name of ['dmabroker_linear', 'dmabroker_image']) inHeader.delete(name);
  t.ok(inHeader.size > 60, `${inHeader.size} functions`);
  t.same(await globals(['-D'], 'libdmabroker.so.0'), [...inHeader].sort());
  t.same(await globals(['-g'], 'libdmabroker.a'), [...inHeader].sort());
});

t.test('no entry of the enums that the header repeats is missing', async (t) => {
  const xml = readFileSync(join(packageRoot, 'protocol/dmabroker-v1.xml'), 'utf8');
  const repeated = {
    refusal: 'CODE',
    ...{ handle_type: 'HANDLE_TYPE', limit: 'LIMIT', usage: 'USAGE', placement: 'PLACEMENT' },
    ...{ lifetime: 'LIFETIME', release_reason: 'RELEASE_REASON', path: 'PATH' },
    ...{ recall_reason: 'RECALL_REASON', import_check: 'IMPORT_CHECK' },
  };
  for (const [name, prefix] of Object.entries(repeated)) {
    const [, body = ''] = new RegExp(`<enum name="${name}"[^]*?>([^]*?)</enum>`).exec(xml) ?? [];
    const entries = [...body.matchAll(/<entry name="(\w+)" value="(\d+)"/g)];
    t.ok(entries.length > 1, name);
    for (const [, entry = '', value = ''] of entries) {
      t.match(header, new RegExp(`\\bDMABROKER_${prefix}_${entry.toUpperCase()} = ${value},`));
    }
  }
});

/** Blocks of the page: a whole program, functions, and what stands in one. */
function blocks(kind: 'whole' | 'functions' | 'statements'): string[] {
  const all = [...page.matchAll(/^```c( first\.c)?\n([\s\S]*?)^```$/gm)];
  const kindOf = (name: string | undefined, text: string) =>
    name !== undefined ? 'whole' : text.startsWith('static ') ? 'functions' : 'statements';
  return all
    .filter(([, name, text = '']) => kindOf(name, text) === kind)
    .map((found) => found[2] ?? '');
}

t.test('the page, in C and in C++', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const env = { ...placesOf(daemon), LD_LIBRARY_PATH: join(installed, 'lib') };
  const includes = ['dmabroker.h', 'poll.h', 'stdio.h', 'unistd.h'].map(
    (name) => `#include <${name}>\n`,
  );
  const others = [
    ...includes,
    ...blocks('functions'),
    'int main(void)\n{\nstruct dmabroker *client = dmabroker_new();\n',
    'if (dmabroker_connect(client, NULL)) return 1;\n',
    ...blocks('statements'),
    'want.lease_seconds = 0;\nif (dmabroker_allocate(client, &want, &buffer)) return 2;\n',
    'client = go_on(client, buffer);\ndmabroker_buffer_destroy(buffer);\n',
    'dmabroker_destroy(client);\n}\n',
  ].join('');
  for (const compiler of [C11, CXX]) {
    const first = await run(await compiled(t, compiler, blocks('whole').join('')), [], env);
    t.match(first.stdout, /^[a-z2-7]{26}\n$/, first.stderr);
    const rest = await run(await compiled(t, compiler, others), [], env);
    t.equal(rest.status, 0, rest.stderr);
    t.match(
      rest.stdout,
      /^memfd\n.*nowhere.*; this would do: \{.*\}\na buffer is moved from a connection that has ended /,
    );
  }
  await daemon.settled(before);
});

t.test('a program may have the scanner’s code beside the static library', async (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'program.c');
  const text = '#include <dmabroker.h>\nint call_new(void);\nint call_new(void) { return 0; }\n';
  writeFileSync(
    source,
    `${text}int main(void) { dmabroker_destroy(dmabroker_new()); return call_new(); }\n`,
  );
  const static_ = [
    '-Ibuild',
    '-I.',
    source,
    'build/dmabroker-v1.c',
    join(installed, 'lib/libdmabroker.a'),
  ];
  const program = join(folder, 'program');
  const made = await run('cc', [...static_, '-lwayland-client', '-o', program]);
  t.equal(made.status, 0, made.stderr);
  t.equal((await run(program, [])).status, 0);
});
