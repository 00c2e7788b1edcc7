/**
 * What a terminal sends for keys, as keys. Several come at once where somebody types fast, and one may come in
 * pieces: what is not whole yet is kept.
 */

/** A letter, or the name of a key that has none. */
export type Key = string;

/** By the letter that ends a sequence (xterm's ctlseqs; ECMA-48, 8.3). */
const BY_LETTER: Readonly<Record<string, Key>> = {
  A: 'up',
  B: 'down',
  H: 'home',
  F: 'end',
  Z: 'backtab',
};
/** By the number before a ~ (VT220). */
const BY_NUMBER: Readonly<Record<string, Key>> = {
  1: 'home',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
};
const CONTROLS: Readonly<Record<string, Key>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x1a': 'ctrl-z',
};

const ESCAPE = '\x1b';
/** CSI with parameters, or SS3. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
const SEQUENCE = /^\x1b(?:\[([0-?]*)[ -/]*([@-~])|O([ -~]))/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const BEGUN = /^\x1b(?:\[[0-?]*[ -/]*|O)?$/;

export class KeyReader {
  #rest = '';

  /** The keys that are whole with this text. */
  read(text: string): Key[] {
    const keys: Key[] = [];
    let left = this.#rest + text;
    while (left !== '' && !BEGUN.test(left)) {
      const [sequence, numbers, letter, short] = SEQUENCE.exec(left) ?? [];
      if (sequence !== undefined) {
        const [number = ''] = (numbers ?? '').split(';');
        const name = letter === '~' ? BY_NUMBER[number] : BY_LETTER[letter ?? short ?? ''];
        if (name !== undefined) keys.push(name);
        left = left.slice(sequence.length);
      } else if (left.startsWith(`${ESCAPE}[`)) {
        // It is none: nothing of it was typed.
        left = left.slice(2);
      } else {
        const [character = ''] = left;
        const key = character === ESCAPE ? 'escape' : (CONTROLS[character] ?? character);
        if (key >= ' ') keys.push(key);
        left = left.slice(character.length);
      }
    }
    this.#rest = left;
    return keys;
  }

  /** Whether something was begun that may be the key Esc alone: `flush` it when nothing follows soon. */
  get waits(): boolean {
    return this.#rest !== '';
  }

  /** Nothing follows. */
  flush(): Key[] {
    const keys = this.#rest === ESCAPE ? ['escape'] : [];
    this.#rest = '';
    return keys;
  }
}
