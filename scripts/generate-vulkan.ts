/**
 * Writes src/native/vulkan/layout.gen.ts: where the members of Vulkan's structs are, as the C ABI
 * of 64-bit Linux (LP64) lays them out, and the values of its enums. The source is Khronos's
 * registry, vk.xml; what is taken from it stands in vulkan-names.ts.
 *
 *   node dist/scripts/generate-vulkan.js [--check] [--registry <vk.xml>]
 *
 * `--check` writes nothing and exits with 1 where the committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit, stderr } from 'node:process';
import { parseArgs } from 'node:util';
import { constantNames, enumNames, structNames } from './vulkan-names.js';
import { type Member, Registry } from './vulkan-registry.js';

/** Sizes in LP64; alignment equals size for each. */
const scalarSizes = {
  bool: 4,
  u8: 1,
  char: 1,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
  size: 8,
  ptr: 8,
  handle: 8,
} as const;
type Scalar = keyof typeof scalarSizes;

const baseTypes: Readonly<Record<string, Scalar>> = {
  char: 'char',
  uint8_t: 'u8',
  uint16_t: 'u16',
  int: 'i32',
  int32_t: 'i32',
  uint32_t: 'u32',
  float: 'f32',
  int64_t: 'i64',
  uint64_t: 'u64',
  size_t: 'size',
  VkBool32: 'bool',
  VkFlags: 'u32',
  VkFlags64: 'u64',
  VkDeviceSize: 'u64',
  VkDeviceAddress: 'u64',
  VkSampleMask: 'u32',
};

interface Layout {
  readonly size: number;
  readonly align: number;
}

class Generator {
  readonly #laidOut = new Map<string, Layout>();
  readonly #text: string[] = [];

  constructor(private readonly registry: Registry) {}

  /** A struct's layout by the LP64 rules; its text goes to the output before its first user's. */
  struct(name: string): Layout {
    const known = this.#laidOut.get(name);
    if (known) return known;
    const lines: string[] = [];
    let sType = '';
    let end = 0;
    let align = 1;
    for (const member of this.registry.members(name)) {
      const kind = this.#kind(member, name);
      const single = kind in scalarSizes ? this.#scalar(kind as Scalar) : this.struct(kind);
      const offset = roundUp(end, single.align);
      end = offset + single.size * (member.count ?? 1);
      align = Math.max(align, single.align);
      lines.push(`    ${member.name}: { ${describe(kind, offset, member.count)} },`);
      if (member.name === 'sType' && member.value !== undefined) {
        sType = ` sType: ${this.registry.value(member.value)},`;
      }
    }
    const layout = { size: roundUp(end, align), align };
    this.#laidOut.set(name, layout);
    this.#text.push(
      `export const ${name} = {`,
      `  name: '${name}', size: ${layout.size}, align: ${align},${sType}`,
      '  members: {',
      ...lines,
      '  },',
      '} as const;',
      '',
    );
    return layout;
  }

  #scalar(kind: Scalar): Layout {
    return { size: scalarSizes[kind], align: scalarSizes[kind] };
  }

  #kind(member: Member, struct: string): string {
    if (member.pointer) return 'ptr';
    if (member.bits) throw new Error(`${struct}.${member.name}: bitfields are not supported`);
    const type = this.registry.resolve(member.type);
    const base = baseTypes[type.name] ?? baseTypes[type.base ?? ''];
    if (base) return base;
    if (type.category === 'enum') return 'i32';
    if (type.category === 'handle') return 'handle';
    if (type.category === 'funcpointer') return 'ptr';
    if (type.category === 'struct') return type.name;
    throw new Error(`${struct}.${member.name}: no layout rule for ${member.type}`);
  }

  render(): string {
    for (const name of structNames) this.struct(name);
    const enums = Object.entries(enumNames).flatMap(([name, values]) => [
      `export const ${name} = {`,
      ...values.map((value) => `  ${value}: ${this.registry.value(value)},`),
      '} as const;',
      '',
    ]);
    return [
      '// Written by scripts/generate-vulkan.ts from the Vulkan registry; do not edit.',
      '// Sizes and offsets are bytes in the 64-bit Linux ABI (LP64).',
      '',
      ...enums,
      'export const constants = {',
      ...constantNames.map((name) => `  ${name}: ${this.registry.value(name)},`),
      '} as const;',
      '',
      ...this.#text,
      `export const enums = {\n  ${Object.keys(enumNames).join(',\n  ')},\n} as const;`,
      '',
      `export const structs = {\n  ${[...this.#laidOut.keys()].join(',\n  ')},\n} as const;`,
      '',
    ].join('\n');
  }
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

function describe(kind: string, offset: number, count: number | undefined): string {
  const type = kind in scalarSizes ? `kind: '${kind}'` : `kind: 'struct', type: ${kind}`;
  return `offset: ${offset}, ${type}${count === undefined ? '' : `, count: ${count}`}`;
}

const options = parseArgs({
  args: argv.slice(2),
  options: {
    check: { type: 'boolean', default: false },
    registry: { type: 'string', default: '/usr/share/vulkan/registry/vk.xml' },
  },
}).values;

// This runs as dist/scripts/generate-vulkan.js, two folders below the checkout.
const target = new URL('../../src/native/vulkan/layout.gen.ts', import.meta.url);
const text = new Generator(Registry.read(options.registry)).render();
if (!options.check) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  stderr.write('layout.gen.ts differs from the registry: node dist/scripts/generate-vulkan.js\n');
  exit(1);
}
