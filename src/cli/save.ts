/**
 * Files that somebody named for what comes from the daemon. One is opened before the daemon is asked, so
 * that nothing is used up where it cannot be written, and keeps its content until there is another.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Usage } from './failure.js';
import { bytes } from './printable.js';
import { withProgress } from './progress.js';

export class Output {
  #done = 0;
  #begun = false;

  private constructor(
    private readonly file: string,
    private readonly fd: number,
    private readonly made: boolean,
  ) {}

  /** Throws Usage where it cannot be written. `close` it, or `abandon`. */
  static open(file: string): Output {
    const [fd, made] = telling(file, () => {
      try {
        return [openSync(file, 'wx'), true] as const;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
        // For reading as well would be refused of what may be written alone.
        return [openSync(file, WRITE_ONLY), false] as const;
      }
    });
    return new Output(file, fd, made);
  }

  /** Replaces what was there, and goes on behind it the next time. */
  write(content: Uint8Array): void {
    telling(this.file, () => {
      if (!this.#begun && fstatSync(this.fd).isFile()) ftruncateSync(this.fd);
      this.#begun = true;
      // What is written can be less (write(2)).
      for (let at = 0; at < content.length; ) at += writeSync(this.fd, content, at);
    });
    this.#done += content.length;
  }

  /** Writes `size` bytes, of which `chunk` gives some at a time, and shows how far it is. */
  async writeAll(size: number, chunk: (at: number) => Uint8Array | Promise<Uint8Array>) {
    const copy = async () => {
      for (let at = 0; at < size; ) {
        const content = await chunk(at);
        if (content.length === 0) throw new Error(`nothing is there at ${at} of ${size} bytes`);
        this.write(content);
        at += content.length;
        // A signal is heard.
        await setImmediate();
      }
    };
    const started = this.#done;
    await withProgress(() => `saving: ${bytes(this.#done - started)} of ${bytes(size)}`, copy());
  }

  close(): void {
    telling(this.file, () => closeSync(this.fd));
  }

  /** Nothing came: the file is as it was before, if nothing was written. */
  abandon(): void {
    closeSync(this.fd);
    if (this.made && !this.#begun) unlinkSync(this.file);
  }
}

/** 'w' would cut it at once, and 'r+' read it. */
const WRITE_ONLY = 1;

/** Replaces the file's content. Throws Usage where it cannot be written. */
export function saveBytes(file: string, content: Uint8Array): void {
  const output = Output.open(file);
  try {
    output.write(content);
  } finally {
    output.close();
  }
}

function telling<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new Usage(`${file} cannot be written: ${error.message}`);
  }
}
