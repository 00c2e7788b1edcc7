/** The Wayland protocol XML as the generators read it: elements in their order, with attributes and text. */
import { readFileSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';

type Attributes = Record<string, string>;
export interface Element {
  readonly ':@'?: Attributes;
  readonly [tag: string]: unknown;
}

const ATTRIBUTES_KEY = ':@';
const TEXT = '#text';

export const tagOf = (element: Element): string =>
  Object.keys(element).find((key) => key !== ATTRIBUTES_KEY) ?? '';

const inside = (element: Element): Element[] =>
  (element[tagOf(element)] as Element[] | undefined) ?? [];

export const children = (element: Element, tag: string): Element[] =>
  inside(element).filter((child) => tagOf(child) === tag);

export const attribute = (element: Element, name: string): string | undefined =>
  element[ATTRIBUTES_KEY]?.[name];

export const need = (element: Element, name: string): string => {
  const value = attribute(element, name);
  if (value === undefined) throw new Error(`<${tagOf(element)}> without ${name}`);
  return value;
};

/** What stands between an element's tags, as paragraphs of one line each. */
export const paragraphs = (element: Element): string[] =>
  inside(element)
    .filter((child) => tagOf(child) === TEXT)
    .flatMap((child) => String(child[TEXT]).split(/\n\s*\n/))
    .map((text) => text.trim().replaceAll(/\s+/g, ' '))
    .filter((text) => text !== '');

/** The interfaces of a protocol, in their order; all of them, or those that are wanted. */
export function interfacesOf(xml: string, only?: readonly string[]): Element[] {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    preserveOrder: true,
  });
  const document = parser.parse(readFileSync(xml, 'utf8')) as Element[];
  const protocol = document.find((element) => tagOf(element) === 'protocol');
  if (!protocol) throw new Error(`${xml} has no <protocol>`);
  return children(protocol, 'interface').filter(
    (element) => only?.includes(need(element, 'name')) ?? true,
  );
}
