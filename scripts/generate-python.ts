/**
 * Writes what the Python client (clients/python) has of definitions: from the protocols' XML a class for each
 * interface, with a function that writes each request and a class that reads each event; from src/memory/formats.ts the
 * table of formats. `--check` compares instead of writing; where the system's wayland.xml is not installed (libwayland-dev),
 * its file is left alone.
 *
 *   node dist/scripts/generate-python.js [--check]
 */
import { existsSync } from 'node:fs';
import { formats } from '../src/memory/formats.js';
import { generated } from './generated.js';
import {
  attribute,
  children,
  type Element,
  interfacesOf,
  need,
  paragraphs,
} from './protocol-xml.js';

const FOLDER = 'clients/python/src/dmabroker';
const WIDTH = 100;

interface Target {
  readonly out: string;
  readonly xml: string;
  readonly only?: readonly string[];
  /** Whether its words are taken over: those of the system's XML are others with each version of it. */
  readonly documented: boolean;
}

const targets: readonly Target[] = [
  { out: '_dmabroker_gen.py', xml: 'protocol/dmabroker-v1.xml', documented: true },
  {
    out: '_wayland_gen.py',
    xml: '/usr/share/wayland/wayland.xml',
    only: ['wl_display', 'wl_registry', 'wl_callback'],
    documented: false,
  },
];

/** What Python keeps for itself and the XML uses. */
const KEYWORDS: ReadonlySet<string> = new Set(['global', 'import', 'from', 'class', 'is']);
const python = (name: string): string => (KEYWORDS.has(name) ? `${name}_` : name);

const camel = (name: string): string =>
  name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** A text in lines that are not too long; at least one. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

let documented = true;

const summaryOf = (element: Element): string | undefined =>
  documented ? attribute(element, 'summary') : undefined;

/** A docstring of the element's description or summary, and of what else is to be said. */
function docstring(element: Element, indent: string, more: readonly string[] = []): string[] {
  const [description] = documented ? children(element, 'description') : [];
  const summary = (description && summaryOf(description)) ?? summaryOf(element);
  const long = description === undefined ? [] : paragraphs(description);
  const width = WIDTH - indent.length;
  const parts = [
    ...[summary ?? need(element, 'name'), ...long].map((text) => wrapped(text, width - 6)),
    ...(more.length > 0 ? [more.flatMap((text) => wrapped(text, width))] : []),
  ];
  const lines = parts.flatMap((part, i) => (i === 0 ? part : ['', ...part]));
  const [first = '', ...others] = lines;
  if (others.length === 0) return [`${indent}"""${first}"""`];
  return [
    `${indent}"""${first}`,
    ...others.map((line) => (line === '' ? '' : `${indent}${line}`)),
    `${indent}"""`,
  ];
}

/** What is said of arguments, beside their names. */
const argumentDocs = (args: readonly Element[]): string[] =>
  args.flatMap((arg) => {
    const summary = summaryOf(arg);
    return summary === undefined ? [] : [`${python(need(arg, 'name'))}: ${summary}`];
  });

interface Argument {
  readonly name: string;
  readonly type: string;
  /** Whether it is one word of 32 bits. */
  readonly word: boolean;
  readonly write: string;
  readonly read: string;
}

function argumentOf(arg: Element): Argument {
  const name = python(need(arg, 'name'));
  const of = (type: string, write: string, read: string, word = false): Argument => {
    return { name, type, write, read, word };
  };
  const type = need(arg, 'type');
  switch (type) {
    case 'uint':
      return of('int', `word(${name})`, 'reader.uint()', true);
    case 'object':
      return of('int', `word(${name})`, 'reader.uint()', true);
    case 'string':
      return of('str', `text(${name})`, 'reader.string()');
    case 'fd':
      return of('int', '', 'reader.fd()');
    case 'new_id':
      return attribute(arg, 'interface') === undefined
        ? of('NewId', `new_id(${name})`, '')
        : of('int', `word(${name})`, 'reader.uint()', true);
    default:
      throw new Error(`an argument of type ${type}`);
  }
}

function enumClass(list: Element): string[] {
  const base = attribute(list, 'bitfield') === 'true' ? 'IntFlag' : 'IntEnum';
  const entries = children(list, 'entry').flatMap((entry) => {
    const summary = summaryOf(entry);
    return [
      `        ${python(need(entry, 'name'))} = ${Number(need(entry, 'value'))}`,
      ...(summary === undefined ? [] : [`        """${summary}"""`]),
    ];
  });
  return [
    `    class ${camel(need(list, 'name'))}(${base}):`,
    ...docstring(list, '        '),
    '',
    ...entries,
    '',
  ];
}

function eventClass(event: Element): string[] {
  const elements = children(event, 'arg');
  const args = elements.map(argumentOf);
  const name = `${camel(need(event, 'name'))}Event`;
  return [
    '    @dataclass(slots=True)',
    `    class ${name}:`,
    ...docstring(event, '        ', argumentDocs(elements)),
    '',
    ...args.map((arg) => `        ${arg.name}: ${arg.type}`),
    ...(args.length > 0 ? [''] : []),
    '        @classmethod',
    '        def read(cls, reader: Reader) -> Self:',
    `            return cls(${args.map((arg) => arg.read).join(', ')})`,
    '',
  ];
}

function requestFunction(request: Element, opcode: number): string[] {
  const elements = children(request, 'arg');
  const args = elements.map(argumentOf);
  const values = args.map((arg) => `, ${arg.name}: ${arg.type}`).join('');
  const bytes = args.filter((arg) => arg.write !== '');
  const fds = args.filter((arg) => arg.write === '').map((arg) => arg.name);
  const written = bytes.every((arg) => arg.word)
    ? `words(object_id, ${opcode}${bytes.map((arg) => `, ${arg.name}`).join('')})`
    : `parts(object_id, ${opcode}${bytes.map((arg) => `, ${arg.write}`).join('')})`;
  const all = fds.length === 0 ? written : `${written}.with_fds(${fds.join(', ')})`;
  return [
    '    @staticmethod',
    `    def ${python(need(request, 'name'))}(object_id: int${values}) -> Message:`,
    ...docstring(request, '        ', argumentDocs(elements)),
    `        return ${all}`,
    '',
  ];
}

function interfaceClass(element: Element): string[] {
  const name = need(element, 'name');
  const events = children(element, 'event');
  const names = events.map((event) => `${camel(need(event, 'name'))}Event`);
  const reads = names.map((each) => `            ${each}.read,`);
  return [
    `class ${camel(name)}:`,
    ...docstring(element, '    '),
    '',
    ...children(element, 'enum').flatMap(enumClass),
    ...events.flatMap(eventClass),
    `    Event: TypeAlias = ${names.length === 0 ? 'Never' : names.length === 1 ? names[0] : `Union[`}`,
    ...(names.length > 1 ? [...names.map((each) => `        ${each},`), '    ]'] : []),
    `    INTERFACE: Final[Interface[Event]] = Interface(`,
    `        "${name}",`,
    `        ${need(element, 'version')},`,
    ...(reads.length === 0 ? ['        (),'] : ['        (', ...reads, '        ),']),
    '    )',
    '',
    ...children(element, 'request').flatMap(requestFunction),
  ];
}

/** The names of an enum's entries, for who says them as texts. */
function literals(element: Element): string[] {
  return children(element, 'enum').flatMap((list) => {
    if (need(list, 'name') === 'error') return [];
    const entries = children(list, 'entry').map((entry) => `    "${need(entry, 'name')}",`);
    return [`${camel(need(list, 'name'))}Name: TypeAlias = Literal[`, ...entries, ']'];
  });
}

function module(xml: string, interfaces: readonly Element[]): string {
  const classes = interfaces.flatMap((each) => ['', '', ...interfaceClass(each).slice(0, -1)]);
  const names = interfaces.flatMap(literals);
  const body = classes.join('\n');
  const uses = (word: string) => new RegExp(`\\b${word}\\b`).test(body);
  const enums = ['IntEnum', 'IntFlag'].filter(uses);
  const typing = ['Final', 'Literal', 'Never', 'Self', 'TypeAlias', 'Union'].filter(
    (word) => uses(word) || (word === 'Literal' && names.length > 0),
  );
  const wire = [
    ...['Interface', 'Message', 'NewId', 'Reader'],
    ...['new_id', 'parts', 'text', 'word', 'words'],
  ].filter((word) =>
    /[A-Z]/.test(word)
      ? uses(word)
      : new RegExp(`\\b${word}\\(`).test(body.replaceAll(/"""[\s\S]*?"""/g, '')),
  );
  return [
    `# Generated from ${xml.split('/').at(-1)} by scripts/generate-python.ts. Do not edit.`,
    '"""The interfaces of the protocol: what writes each request and reads each event."""',
    '',
    'from dataclasses import dataclass',
    ...(enums.length > 0 ? [`from enum import ${enums.join(', ')}`] : []),
    `from typing import ${typing.join(', ')}`,
    '',
    `from ._wire import ${wire.join(', ')}`,
    ...(names.length > 0 ? ['', ...names] : []),
    ...classes,
    '',
  ].join('\n');
}

for (const { out, xml, only, documented: words } of targets) {
  documented = words;
  if (existsSync(xml)) generated(`${FOLDER}/${out}`, module(xml, interfacesOf(xml, only)), xml);
  else console.log(`${FOLDER}/${out}: not compared, ${xml} is not installed`);
}

const rows = formats.map(({ name, planes }) => {
  const each = planes.map(
    ({ hsub, vsub, blockWidth, bytesPerBlock }) =>
      `FormatPlane(${hsub}, ${vsub}, ${blockWidth}, ${bytesPerBlock}),`,
  );
  return `    "${name}": (${each.join(' ').replace(/,$/, planes.length === 1 ? ',' : '')}),`;
});

const table = `# Generated from src/memory/formats.ts by scripts/generate-python.ts. Do not edit.
"""The planes of each format that the broker knows, in linear memory."""

from typing import NamedTuple


class FormatPlane(NamedTuple):
    """Blocks of a plane are one row high."""

    hsub: int
    """Pixels of the image for one sample, across."""
    vsub: int
    """The same, down."""
    block_width: int
    """Samples in one block."""
    bytes_per_block: int


FORMATS: dict[str, tuple[FormatPlane, ...]] = {
${rows.join('\n')}
}
`;
generated(`${FOLDER}/_formats_gen.py`, table, 'src/memory/formats.ts');
