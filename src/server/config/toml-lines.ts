/**
 * Which line of a TOML file says something, for messages: parsers give positions for syntax errors
 * only. Keys and tables are found at the starts of lines, which is where people write them.
 */

const HEADER = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/;
const KEY = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/;

/** The line (from 1) of a path of keys and indices, or of the longest start of it that is there. */
export function lineOf(text: string, path: readonly string[]): number {
  const counts = new Map<string, number>();
  let table: string[] = [];
  let best = { length: 0, line: 1 };
  for (const [index, line] of text.split('\n').entries()) {
    const header = HEADER.exec(line);
    const key = KEY.exec(line);
    let here: readonly string[] | null = null;
    if (header !== null) {
      table = keysOf(header[2] ?? '');
      if (header[1] === '[[') {
        const name = table.join('.');
        const count = counts.get(name) ?? 0;
        counts.set(name, count + 1);
        // The list itself is where its first element is.
        const isList = name === path.join('.');
        table = [...table, String(count)];
        here = isList ? path : table;
      } else here = table;
    } else if (key !== null) here = [...table, ...keysOf(key[1] ?? '')];
    if (here === null || here.length > path.length || here.length <= best.length) continue;
    if (here.every((part, i) => part === path[i])) best = { length: here.length, line: index + 1 };
  }
  return best.line;
}

function keysOf(dotted: string): string[] {
  const parts = dotted.match(/[\w-]+|"[^"]*"|'[^']*'/g) ?? [];
  return parts.map((part) => part.replace(/^["']|["']$/g, ''));
}
