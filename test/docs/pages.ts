/** The commands that the documents show: blocks of them, by page and heading. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

/** What people read: paths from the checkout. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(packageRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

export interface Block {
  readonly page: string;
  /** Of the heading that is above it, as links have it; empty above all headings but the title. */
  readonly anchor: string;
  /** What is to be run by a shell, as it stands there. */
  readonly script: string;
}

export const textOf = (page: string): string => readFileSync(join(packageRoot, page), 'utf8');

/** As GitHub makes it of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
    .replaceAll(' ', '-');

/** Languages of fenced blocks that are a shell's; an indented block is one unless `NO_COMMANDS` has it. */
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'console']);

/** What begins an indented block that is something else: a unit's section, a formula, what a program says. */
const NO_COMMANDS = /^(?:\[|Σ|\{|the )/;

/** In the order of the page. */
export function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  let anchor = '';
  let lines: string[] = [];
  let fence: string | null = null;
  let before = '';
  const end = (isScript: boolean) => {
    const script = lines.join('\n').trimEnd();
    if (isScript && script !== '' && !NO_COMMANDS.test(script)) {
      found.push({ page, anchor, script });
    }
    lines = [];
  };
  for (const line of textOf(page).split('\n')) {
    const [, mark] = /^```(.*)$/.exec(line) ?? [];
    if (mark !== undefined) {
      end(fence === null ? true : SHELLS.has(fence.split(' ')[0] ?? ''));
      fence = fence === null ? mark : null;
    } else if (fence !== null) lines.push(line);
    // Below a list's item an indented line goes on with it.
    else if (/^ {4}\S/.test(line) && (before === '' || lines.length > 0)) lines.push(line.slice(4));
    else if (lines.length > 0 && /^ {5,}/.test(line)) lines.push(line.slice(4));
    else {
      end(true);
      const [, heading] = /^#{2,} (.*)$/.exec(line) ?? [];
      if (heading !== undefined) anchor = anchorOf(heading);
    }
    before = line;
  }
  end(true);
  return found;
}

/** The commands below a heading, which must be there: who runs them takes them from here. */
export function commandsOf(page: string, anchor: string): string[] {
  const found = blocksOf(page).filter((block) => block.anchor === anchor);
  if (found.length === 0) throw new Error(`${page}#${anchor} shows no commands`);
  return found.map(({ script }) => script);
}
