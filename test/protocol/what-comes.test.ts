/**
 * What docs/protocol.md says is to come keeps to the rules of the XML, and can be had beside what is there:
 * wayland-scanner reads both as one.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import t from 'tap';
import { MAX_FDS } from '../../src/memory/limits.js';
import { packageRoot } from '../../src/package-root.js';
import { MAX_MESSAGE_SIZE } from '../../src/protocol/wire.js';
import { temporaryFolder } from '../support/folder.js';

const xml = readFileSync(join(packageRoot, 'protocol/dmabroker-v1.xml'), 'utf8');
const text = readFileSync(join(packageRoot, 'docs/protocol.md'), 'utf8');
const [, coming = ''] = /^## What comes\n.*?^```xml\n(.*?)^```/ms.exec(text) ?? [];

interface Arg {
  readonly name: string;
  readonly type: string;
}
interface Message {
  readonly name: string;
  readonly type?: string;
  readonly since?: string;
  readonly arg?: readonly Arg[];
}
interface Listed {
  readonly name: string;
  readonly version: string;
  readonly request?: readonly Message[];
  readonly event?: readonly Message[];
}

const lists = ['interface', 'request', 'event', 'arg', 'enum', 'entry'];
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  isArray: (name) => lists.includes(name),
});
const { all } = parser.parse(`<all>${coming}</all>`) as { all: { interface: readonly Listed[] } };
const isNew = ({ name }: Listed) => !xml.includes(`<interface name="${name}"`);

/** Bytes that a text may have: a name with a user's, a refusal, and what has a name of its own. */
const longest: Record<string, number> = {
  name: 64 + 1 + 32,
  token: 26,
  session: 26,
  id: 13,
  source: 264,
  message: 512,
  detail: 3072,
};

t.test('it keeps to the rules', async (t) => {
  t.ok(all.interface.length >= 2);
  for (const each of all.interface) {
    const messages = [...(each.request ?? []), ...(each.event ?? [])];
    const ends = messages.filter(({ type }) => type === 'destructor').map(({ name }) => name);
    t.same(ends, isNew(each) ? ['destroy'] : [], each.name);
    for (const message of messages) {
      const name = `${each.name}.${message.name}`;
      const args = message.arg ?? [];
      t.equal(message.since, isNew(each) ? undefined : each.version, name);
      t.notOk(
        args.some(({ type }) => type === 'array'),
        name,
      );
      const high = args.filter((arg) => arg.name.endsWith('_hi'));
      for (const { name: half } of high) {
        const next = args[args.findIndex((arg) => arg.name === half) + 1];
        t.equal(next?.name, half.replace(/_hi$/, '_lo'), name);
      }
      t.equal(args.filter((arg) => arg.name.endsWith('_lo')).length, high.length, name);
      if (each.request?.includes(message)) t.ok(high.length <= 1, name);
      t.ok(args.filter(({ type }) => type === 'fd').length <= 1, name);
      const bytes = args.map((arg) => {
        if (arg.type !== 'string') return 4;
        return 4 + 4 + (longest[arg.name] ?? Number.NaN);
      });
      t.ok(8 + bytes.reduce((sum, more) => sum + more, 0) <= MAX_MESSAGE_SIZE, name);
    }
  }
  // Four memories, each as three handle types: a buffer's fds are never divided.
  t.ok(4 * 3 <= MAX_FDS);
});

/** The XML with what is to come at the end of each interface, and the new ones after it. */
function merged(): string {
  let whole = xml;
  for (const [, name = '', version, body = ''] of coming.matchAll(
    /<interface name="(\w+)" version="(\d)">\n(.*?)<\/interface>/gs,
  )) {
    const added = `${body.replaceAll('<enum name="error">', '<enum name="error_added">')}</interface>`;
    if (!xml.includes(`<interface name="${name}"`)) {
      whole = whole.replace(
        '</protocol>',
        `<interface name="${name}" version="${version}">${body}</interface></protocol>`,
      );
      continue;
    }
    const start = whole.indexOf(`<interface name="${name}"`);
    const end = whole.indexOf('</interface>', start);
    const before = whole.slice(start, end).replace('version="1"', `version="${version}"`);
    whole = whole.slice(0, start) + before + added + whole.slice(end + '</interface>'.length);
  }
  return whole;
}

const skip =
  spawnSync('wayland-scanner', ['--version']).error === undefined
    ? false
    : 'wayland-scanner is not installed';

t.test('wayland-scanner takes it with what is there', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'merged.xml');
  writeFileSync(file, merged());
  for (const output of ['client-header', 'private-code']) {
    const input = openSync(file, 'r');
    const run = spawnSync('wayland-scanner', ['--strict', output], {
      stdio: [input, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    closeSync(input);
    t.equal(run.status, 0, run.stderr);
    t.match(run.stdout, 'dmabroker_set_v1');
    if (output === 'client-header') t.match(run.stdout, 'dmabroker_params_v1_create_batch');
  }
});
