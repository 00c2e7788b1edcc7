/**
 * Shows somebody at a terminal that long work goes on: one line on stderr, which is gone when the
 * work is done. Elsewhere (a pipe, a log) it shows nothing.
 */
import { setImmediate } from 'node:timers/promises';

/** Work that is done by then needs no line. */
const FIRST_MS = 1000;
const NEXT_MS = 250;

/** Resolves as `work` does; `text` is asked for anew each time that the line is written. */
export async function withProgress<T>(
  text: (seconds: number) => string,
  work: Promise<T>,
): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return work;
  const started = performance.now();
  let shown = false;
  let done = false;
  const show = async () => {
    // A loop that was kept busy hears its timers first: the work may be done, and not heard yet.
    await setImmediate();
    if (done) return;
    const seconds = Math.floor((performance.now() - started) / 1000);
    stderr.write(`\r${text(seconds)}\x1b[K`);
    shown = true;
    timer = setTimeout(show, NEXT_MS);
  };
  let timer = setTimeout(show, FIRST_MS);
  try {
    return await work;
  } finally {
    done = true;
    clearTimeout(timer);
    if (shown) stderr.write('\r\x1b[K');
  }
}
