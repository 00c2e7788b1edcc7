/** Man pages in man(7): text made safe for roff. */

import { packageVersion } from '../src/package-root.js';

/** How a page begins; `from` tells what it is made of, and by which script. */
export function heading(name: string, section: number, manual: string, from: string): string {
  const title = argument(name.toUpperCase());
  return `.\\" Generated from ${from}: do not edit.
.TH ${title} ${section} "" ${argument(`dmabroker ${packageVersion()}`)} ${argument(manual)}
`;
}

/** A paragraph with a tag, which is a line of roff. */
export function item(tag: string, body: string): string {
  return `.TP\n${tag}\n${escaped(body)}\n`;
}

/** An argument of a macro. */
export function argument(words: string): string {
  return `"${escaped(words).replaceAll('"', '\\(dq')}"`;
}

/**
 * Text as roff: a line must not begin as a request does; a hyphen of an option is no dash. What Markdown has
 * as `code` is bold.
 */
export function escaped(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/`([^`]*)`/g, '\\fB$1\\fR')
    .replace(/^(?=[.'])/, '\\&');
}

export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, '')}.`;
}

export function lowered(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
