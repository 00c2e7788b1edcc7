/**
 * Writes the tables of src/protocol/*.gen.ts, with what writes and reads each message, from the protocols' XML: our own,
 * linux-dmabuf's of wayland-protocols 1.49, which no Debian release has yet, and, for wl_display, wl_callback and wl_registry,
 * the system's (libwayland-dev). `--check` compares instead of writing; a protocol whose XML is not installed
 * is left alone and named.
 *
 *   node dist/scripts/generate-protocol.js [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { attribute, children, type Element, interfacesOf, need } from './protocol-xml.js';

interface Target {
  readonly out: string;
  /** Where the XML may stand; the first that exists is taken. */
  readonly xml: readonly string[];
  /** The interfaces wanted; all when absent. */
  readonly only?: readonly string[];
}

const targets: readonly Target[] = [
  { out: 'src/protocol/dmabroker-v1.gen.ts', xml: ['protocol/dmabroker-v1.xml'] },
  {
    out: 'src/protocol/wayland.gen.ts',
    xml: ['/usr/share/wayland/wayland.xml'],
    only: ['wl_display', 'wl_callback', 'wl_registry'],
  },
  {
    out: 'src/protocol/linux-dmabuf-v1.gen.ts',
    xml: ['protocol/linux-dmabuf-v1.xml'],
  },
];

function argument(arg: Element): string {
  const fields = [`name: '${need(arg, 'name')}'`, `type: '${need(arg, 'type')}'`];
  const target = attribute(arg, 'interface');
  if (target !== undefined) fields.push(`interface: '${target}'`);
  if (attribute(arg, 'allow-null') === 'true') fields.push('allowNull: true');
  return `{ ${fields.join(', ')} }`;
}

/** How an argument is called in TypeScript, what it is there, and what writes and reads it (writer.ts, reader.ts). */
function codec(arg: Element) {
  const name = need(arg, 'name');
  const type = need(arg, 'type');
  const mayBeNull = attribute(arg, 'allow-null') === 'true';
  // Beside `w`, `o`, `r` and `to`, and beside what TypeScript keeps for itself.
  const variable = `${name}_`;
  const of = (type: string, write: string, read: string) => {
    return { variable, type, write: `w.${write}(${variable});`, read: `r.${read}` };
  };
  switch (type) {
    case 'uint':
      return of('number', 'uint', 'uint()');
    case 'int':
    case 'fixed':
      return of('number', 'uint', 'int()');
    case 'string':
      return mayBeNull
        ? of('string | null', 'string', 'stringOrNull()')
        : of('string', 'string', 'string()');
    case 'array':
      return of('Uint8Array', 'array', 'array()');
    case 'fd':
      return of('number', 'fd', 'fd()');
    case 'object':
      return of('number', 'uint', mayBeNull ? 'uint()' : `objectId('${name}')`);
    case 'new_id':
      return attribute(arg, 'interface') === undefined
        ? of('UntypedNewId', 'untypedNewId', 'untypedNewId()')
        : of('number', 'uint', `newId('${name}')`);
    default:
      throw new Error(`an argument of type ${type}`);
  }
}

function messages(element: Element, tag: string): string[] {
  return children(element, tag).flatMap((message, opcode) => {
    const elements = children(message, 'arg');
    const name = need(message, 'name');
    const codecs = elements.map(codec);
    const values = codecs.map(({ variable, type }) => `${variable}: ${type}`);
    const fields = [
      `name: '${name}'`,
      `opcode: ${opcode}`,
      `since: ${attribute(message, 'since') ?? 1}`,
      `destructor: ${attribute(message, 'type') === 'destructor'}`,
      `args: [${elements.map(argument).join(', ')}]`,
    ];
    const writes = ['w.begin(o);', ...codecs.map(({ write }) => write), `w.end(${opcode});`];
    const reads = [
      ...codecs.map(({ variable, read }) => `const ${variable} = ${read};`),
      'r.end();',
      `to.${name}(${codecs.map(({ variable }) => variable).join(', ')});`,
    ];
    return [
      `    { ${fields.join(', ')},`,
      `      write: (${['w: Writer', 'o: number', ...values].join(', ')}) => { ${writes.join(' ')} },`,
      `      read: (r: Reader, to: { ${name}(${values.join(', ')}): void }) => { ${reads.join(' ')} } },`,
    ];
  });
}

function enums(element: Element): string[] {
  return children(element, 'enum').map((list) => {
    const entries = children(list, 'entry').map(
      (entry) => `${need(entry, 'name')}: ${Number(need(entry, 'value'))}`,
    );
    return `    ${need(list, 'name')}: { ${entries.join(', ')} },`;
  });
}

function table(element: Element): string {
  const name = need(element, 'name');
  return [
    `export const ${name} = named({`,
    `  name: '${name}',`,
    `  version: ${need(element, 'version')},`,
    '  requests: [',
    ...messages(element, 'request'),
    '  ],',
    '  events: [',
    ...messages(element, 'event'),
    '  ],',
    '  enums: {',
    ...enums(element),
    '  },',
    '});',
    '',
  ].join('\n');
}

function generate(target: Target, xml: string): string {
  const tables = interfacesOf(xml, target.only).map(table);
  const body = tables.join('\n');
  return [
    `// Generated from ${xml.split('/').at(-1)} by scripts/generate-protocol.ts. Do not edit.`,
    "import type { Reader } from './reader.js';",
    `import { named${body.includes('UntypedNewId') ? ', type UntypedNewId' : ''} } from './wire.js';`,
    "import type { Writer } from './writer.js';",
    '',
    body,
  ].join('\n');
}

const check = process.argv.includes('--check');
let stale = 0;
for (const target of targets) {
  const xml = target.xml.find((path) => existsSync(path));
  if (xml === undefined) {
    console.log(`${target.out}: not compared, ${target.xml[0]} is not installed`);
    continue;
  }
  const text = generate(target, xml);
  if (!check) writeFileSync(target.out, text);
  else if (readFileSync(target.out, 'utf8') !== text) {
    console.error(`${target.out} differs from ${xml}: run \`npm run generate\``);
    stale++;
  }
}
process.exit(stale === 0 ? 0 : 1);
