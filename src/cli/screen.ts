/**
 * A terminal's whole screen, for a command that redraws it until somebody ends it. The screen and the terminal's
 * modes are as before at the end, however that comes about, and while the command is stopped (^Z).
 */
import { type Key, KeyReader } from './keys.js';

/** Escape sequences of xterm (ctlseqs), which terminals share. */
const OTHER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const FORMER_SCREEN = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_ALL = '\x1b[2J';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Ends as what has no terminal any more does. Node's own end would ask that for its modes, and abort. */
export function hangUp(): void {
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

/** Bytes of one key come together, if not over a slow line. */
const ESCAPE_MS = 50;

/** Where a terminal does not say how large it is. */
const USUAL = { columns: 80, rows: 24 };

export interface ScreenUser {
  onKeys(keys: readonly Key[]): void;
  /** The screen is empty, or of another size: it is to be drawn again. */
  redraw(): void;
}

export class Screen {
  readonly #keys = new KeyReader();
  #escape: NodeJS.Timeout | undefined;
  #entered = false;

  /** `stop` is aborted when a signal says so. */
  constructor(
    private readonly stop: AbortController,
    private readonly user: ScreenUser,
  ) {}

  get size(): { columns: number; rows: number } {
    const { columns, rows } = process.stdout;
    return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
  }

  /** Runs `body` with the screen, until it ends by itself. */
  async run(body: () => Promise<void>): Promise<void> {
    const { stdin, stdout } = process;
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#end);
    process.on('SIGTSTP', this.suspend).on('SIGCONT', this.#continue).on('exit', this.#leave);
    process.on('SIGHUP', this.#hungUp);
    // A fault is told on the former screen.
    process.on('uncaughtExceptionMonitor', this.#leave);
    stdout.on('resize', this.#resized);
    // The terminal may be gone by the time that its modes are to be as before.
    stdin.on('error', this.#end);
    // What comes through a pipe is somebody else's.
    if (stdin.isTTY) stdin.setEncoding('utf8').on('data', this.#read);
    this.#enter();
    try {
      await body();
    } finally {
      clearTimeout(this.#escape);
      this.#leave();
      if (stdin.isTTY) stdin.off('data', this.#read).pause();
      stdout.off('resize', this.#resized);
      process.off('SIGTSTP', this.suspend).off('SIGCONT', this.#continue).off('exit', this.#leave);
      process.off('uncaughtExceptionMonitor', this.#leave);
      process.off('SIGHUP', this.#hungUp);
      for (const signal of ENDING_SIGNALS) process.off(signal, this.#end);
    }
  }

  /** As many lines as there is room for. What was there goes before each is written: behind one that
   * reaches the edge the cursor stands on its last letter. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    const shown = lines.slice(0, this.size.rows);
    const last = shown.pop() ?? '';
    const above = shown.map((line) => `${CLEAR_LINE}${line}\r\n`).join('');
    process.stdout.write(`${HOME}${above}${CLEAR_BELOW}${last}`);
  }

  /** Everything anew, should something else have written there. */
  clear(): void {
    if (this.#entered) process.stdout.write(CLEAR_ALL);
    this.user.redraw();
  }

  /** Stops, as ^Z does elsewhere, with all that the shell sees as one job; fg goes on. */
  readonly suspend = (): void => {
    this.#leave();
    process.off('SIGTSTP', this.suspend);
    // Where nobody could go on with it (signal(7), an orphaned process group), nothing stops.
    process.kill(0, 'SIGTSTP');
    process.on('SIGTSTP', this.suspend);
    this.#continue();
  };

  readonly #end = () => this.stop.abort();

  readonly #hungUp = () => {
    this.#leave();
    hangUp();
  };

  /** Whoever had the terminal meanwhile may have left it otherwise. */
  readonly #continue = () => {
    this.#leave();
    this.#enter();
    this.user.redraw();
  };

  readonly #resized = () => this.user.redraw();

  readonly #read = (text: string) => {
    clearTimeout(this.#escape);
    const keys = this.#keys.read(text);
    if (this.#keys.waits) {
      this.#escape = setTimeout(() => this.user.onKeys(this.#keys.flush()), ESCAPE_MS);
    }
    if (keys.length > 0) this.user.onKeys(keys);
  };

  #enter(): void {
    this.#entered = true;
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    // Without line wrap, the terminal cuts what is too wide.
    stdout.write(OTHER_SCREEN);
  }

  readonly #leave = () => {
    if (!this.#entered) return;
    this.#entered = false;
    const { stdin, stdout } = process;
    stdout.write(FORMER_SCREEN);
    if (stdin.isTTY) stdin.setRawMode(false);
  };
}
