/** What `dmabrokerctl doctor` has looked at, and what it says of it. */

/** `good`; `note`: it works, and might work better; `wrong`: something does not work. */
export type Level = 'good' | 'note' | 'wrong';

export interface Finding {
  readonly about: string;
  readonly level: Level;
  /** A sentence. */
  readonly text: string;
  /** What to run, as a line of a shell; null: there is nothing to run. */
  readonly mend: string | null;
}

export const good = (about: string, text: string): Finding => ({
  about,
  level: 'good',
  text,
  mend: null,
});
export const note = (about: string, text: string, mend: string | null = null): Finding => ({
  about,
  level: 'note',
  text,
  mend,
});
export const wrong = (about: string, text: string, mend: string | null = null): Finding => ({
  about,
  level: 'wrong',
  text,
  mend,
});
