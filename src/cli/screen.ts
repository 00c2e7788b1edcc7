/**
 * A terminal's whole screen, for a command that redraws it until somebody presses q. The screen as
 * it was before comes back at the end, however that comes about.
 */

/** Escape sequences of xterm (ctlseqs), which terminals share. */
const OTHER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const FORMER_SCREEN = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Screen {
  /** As many lines as there is room for. */
  draw(lines: readonly string[]): void;
}

/**
 * Runs `body` with the screen, until it ends by itself. `stop` is aborted when a signal says so;
 * `onKey` is told what keys send, ^C as well.
 */
export async function withScreen(
  stop: AbortController,
  onKey: (key: string) => void,
  body: (screen: Screen) => Promise<void>,
): Promise<void> {
  const { stdin, stdout } = process;
  const end = () => stop.abort();
  for (const signal of ENDING_SIGNALS) process.on(signal, end);
  if (stdin.isTTY) stdin.setEncoding('utf8').setRawMode(true).on('data', onKey);
  // Without line wrap, the terminal cuts what is too wide.
  stdout.write(OTHER_SCREEN);
  try {
    await body({
      draw: (lines) => {
        const shown = lines.slice(0, stdout.rows).map((line) => `${line}${CLEAR_LINE_END}`);
        stdout.write(`${HOME}${shown.join('\r\n')}${CLEAR_BELOW}`);
      },
    });
  } finally {
    stdout.write(FORMER_SCREEN);
    if (stdin.isTTY) stdin.setRawMode(false).off('data', onKey).pause();
    for (const signal of ENDING_SIGNALS) process.off(signal, end);
  }
}
