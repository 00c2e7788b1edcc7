/**
 * Reads the Vulkan registry (vk.xml): types, struct members and the values of enumerants.
 * https://registry.khronos.org/vulkan/specs/1.3/registry.html describes the format.
 *
 * The text between a member's tags is C (`const void* pNext`, `name[4]`), so order matters and the
 * parser keeps it.
 */
import { readFileSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';

/** A node as fast-xml-parser's preserveOrder gives it: one tag, its children, its attributes. */
type Node = { readonly [tag: string]: unknown };

export interface Member {
  readonly name: string;
  readonly type: string;
  readonly pointer: boolean;
  readonly bits: boolean;
  /** Elements of a fixed array. */
  readonly count: number | undefined;
  /** The value that the specification demands (of sType). */
  readonly value: string | undefined;
}

export interface Type {
  readonly name: string;
  readonly category: string;
  /** What a typedef stands for. */
  readonly base: string | undefined;
}

const attributesOf = (node: Node) => (node[':@'] ?? {}) as Readonly<Record<string, string>>;
const tagOf = (node: Node) => Object.keys(node).find((key) => key !== ':@') ?? '';
const childrenOf = (node: Node): readonly Node[] => {
  const children = node[tagOf(node)];
  return Array.isArray(children) ? (children as Node[]) : [];
};
const find = (node: Node, tag: string) => childrenOf(node).find((child) => tagOf(child) === tag);

function textOf(node: Node): string {
  if ('#text' in node) return String(node['#text']);
  if (tagOf(node) === 'comment') return '';
  return childrenOf(node).map(textOf).join('');
}

/** Newer registries describe Vulkan SC in the same file, with an `api` attribute. */
function isVulkan(node: Node): boolean {
  const api = attributesOf(node).api;
  return api === undefined || api.split(',').includes('vulkan');
}

export class Registry {
  readonly #types = new Map<string, Node>();
  readonly #values = new Map<string, Node>();
  /** The number of the extension around an enumerant, which it may leave out itself. */
  readonly #extension = new Map<Node, string>();

  private constructor(root: Node) {
    for (const section of childrenOf(root)) {
      if (!isVulkan(section)) continue;
      if (tagOf(section) === 'types') this.#readTypes(section);
      else this.#readEnums(section, undefined);
    }
  }

  static read(path: string): Registry {
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: '',
      trimValues: false,
      parseTagValue: false,
      // No value that is used here holds an entity, and the file holds thousands.
      processEntities: false,
    });
    const nodes = parser.parse(readFileSync(path)) as Node[];
    const root = nodes.find((node) => tagOf(node) === 'registry');
    if (!root) throw new Error(`${path} is no Vulkan registry`);
    return new Registry(root);
  }

  #readTypes(section: Node): void {
    for (const node of childrenOf(section)) {
      if (tagOf(node) !== 'type' || !isVulkan(node)) continue;
      const named = find(node, 'name');
      const proto = find(node, 'proto');
      const nested = proto && find(proto, 'name');
      const name = attributesOf(node).name ?? (named ? textOf(named) : nested && textOf(nested));
      if (name !== undefined) this.#types.set(name.trim(), node);
    }
  }

  /** <enum> stands in <enums>, <feature><require> and <extension><require>. */
  #readEnums(node: Node, extension: string | undefined): void {
    for (const child of childrenOf(node)) {
      if (!isVulkan(child)) continue;
      const attributes = attributesOf(child);
      if (tagOf(child) === 'enum') {
        const name = attributes.name;
        const says = ['value', 'bitpos', 'offset', 'alias'].some((key) => key in attributes);
        if (name === undefined || !says) continue;
        this.#values.set(name, child);
        if (extension !== undefined) this.#extension.set(child, extension);
      } else if (tagOf(child) === 'extension') {
        if ((attributes.supported ?? '').split(',').includes('vulkan')) {
          this.#readEnums(child, attributes.number);
        }
      } else {
        this.#readEnums(child, extension);
      }
    }
  }

  /** A type by name, aliases followed. */
  resolve(name: string): Type {
    const node = this.#types.get(name);
    if (!node) throw new Error(`the registry has no type ${name}`);
    const attributes = attributesOf(node);
    if (attributes.alias !== undefined) return this.resolve(attributes.alias);
    const base = find(node, 'type');
    return { name, category: attributes.category ?? '', base: base && textOf(base) };
  }

  members(struct: string): Member[] {
    const type = this.resolve(struct);
    if (type.name !== struct || type.category !== 'struct') {
      throw new Error(`${struct} is ${type.category} ${type.name}, not a struct`);
    }
    return childrenOf(this.#types.get(struct) as Node)
      .filter((node) => tagOf(node) === 'member' && isVulkan(node))
      .map((node) => this.#member(node));
  }

  #member(node: Node): Member {
    const name = textOf(find(node, 'name') as Node);
    const text = textOf(node);
    const after = text.slice(text.lastIndexOf(name) + name.length);
    const dimensions = [...after.matchAll(/\[(\w+)\]/g)].map((match) => match[1] as string);
    if (dimensions.length > 1) throw new Error(`${name}: arrays of arrays are not supported`);
    const [dimension] = dimensions;
    return {
      name,
      type: textOf(find(node, 'type') as Node),
      pointer: text.includes('*'),
      bits: after.includes(':'),
      count: dimension === undefined ? undefined : Number(this.#number(dimension)),
      value: attributesOf(node).values,
    };
  }

  #number(text: string): string {
    return /^\d/.test(text) ? text : this.value(text);
  }

  /** The value of an enumerant or constant, as a TypeScript literal. */
  value(name: string): string {
    const node = this.#values.get(name);
    if (!node) throw new Error(`the registry has no ${name}`);
    const { alias, bitpos, offset, dir, extnumber, value } = attributesOf(node);
    if (alias !== undefined) return this.value(alias);
    if (bitpos !== undefined) return String(2n ** BigInt(bitpos));
    if (offset !== undefined) {
      // "Assigning Extension Token Values", Vulkan's style guide
      const extension = Number(extnumber ?? this.#extension.get(node));
      const token = 1_000_000_000 + (extension - 1) * 1000 + Number(offset);
      return String(dir === '-' ? -token : token);
    }
    return literal(value ?? '', name);
  }
}

/** A C literal of the registry: `256`, `-3`, `0x10`, `(~2U)`, `(~0ULL)`. */
function literal(text: string, name: string): string {
  const match = /^\(?(~?)(-?(?:0x[0-9a-fA-F]+|\d+))(U|ULL)?\)?$/.exec(text);
  if (!match) throw new Error(`${name}: cannot read ${text}`);
  const [, not, digits, suffix] = match;
  if (!not)
    return String(BigInt(digits?.replace('-', '') ?? '') * (digits?.startsWith('-') ? -1n : 1n));
  const bits = suffix === 'ULL' ? 64 : 32;
  const inverted = BigInt.asUintN(bits, ~BigInt(digits ?? ''));
  return bits === 64 ? `${inverted}n` : String(inverted);
}
