// Why: a guest's stdout port stays open after its command, so its end is marked in the stream.
// This transform passes bytes on until the mark and then ends; it holds back only what could be
// the mark's beginning, so that output is never late.
import { Transform, type TransformCallback } from 'node:stream';

export class EndMark extends Transform {
  readonly #mark: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #seen = false;

  constructor(mark: string) {
    super();
    this.#mark = Buffer.from(`\0${mark}`, 'latin1');
  }

  /** Whether the mark came: without it, the output was cut off. */
  get seen(): boolean {
    return this.#seen;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#seen) this.#passOn(chunk);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (!this.#seen && this.#held.length > 0) this.push(this.#held);
    done();
  }

  #passOn(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(this.#mark);
    const passed = at >= 0 ? at : bytes.length - this.#possibleStart(bytes);
    this.#held = bytes.subarray(passed);
    if (passed > 0) this.push(bytes.subarray(0, passed));
    if (at >= 0) {
      this.#seen = true;
      this.push(null);
    }
  }

  /** How many bytes at the end could be the beginning of the mark. */
  #possibleStart(bytes: Buffer): number {
    const longest = Math.min(bytes.length, this.#mark.length - 1);
    for (let length = longest; length > 0; length -= 1) {
      const tail = bytes.subarray(bytes.length - length);
      if (tail.equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
