/** What somebody at the screen of `top` has chosen, by keys: how buffers are sorted, and which are shown. */

export interface TopView {
  /** As REST has it. */
  readonly sort: string;
  /** What names must have in them; all of them have the empty one. */
  readonly name: string;
  /** The name that is being typed; null where none is. */
  readonly typing: string | null;
}

/** The key of each order; `-`: the largest or youngest first. */
const SORTS: Readonly<Record<string, string>> = { s: '-size', a: 'created_at', i: 'id' };

const ENTER = ['\r', '\n'];
const ESCAPE = '\x1b';
const BACKSPACE = ['\x7f', '\b'];

/** The view after a key, which is what a terminal sends at once; null where it ends `top`. */
export function pressed(view: TopView, key: string): TopView | null {
  if (key === '\x03') return null;
  // An arrow, say.
  if (key.startsWith(ESCAPE) && key !== ESCAPE) return view;
  return [...key].reduce<TopView | null>((now, letter) => now && afterLetter(now, letter), view);
}

function afterLetter(view: TopView, letter: string): TopView | null {
  const { sort, typing } = view;
  if (typing === null) {
    if (letter === 'q' || letter === 'Q') return null;
    if (letter === '/') return { ...view, typing: view.name };
    if (letter === 'r') return { ...view, sort: sort.startsWith('-') ? sort.slice(1) : `-${sort}` };
    return { ...view, sort: SORTS[letter] ?? sort };
  }
  if (ENTER.includes(letter)) return { ...view, name: typing, typing: null };
  if (letter === ESCAPE) return { ...view, typing: null };
  if (BACKSPACE.includes(letter)) return { ...view, typing: [...typing].slice(0, -1).join('') };
  return letter < ' ' ? view : { ...view, typing: typing + letter };
}

/** The view in words, with the keys that change it. */
export function viewLine({ sort, name, typing }: TopView): string {
  if (typing !== null) return `name: ${typing}_  (Enter takes it, Esc does not)`;
  const keys = 'keys: s size, a age, i id, r reverse, / name, q quit';
  return `by ${sort}${name === '' ? '' : `, with "${name}" in the name`}  ${keys}`;
}
