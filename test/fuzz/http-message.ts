/**
 * HTTP/1.1 requests as bytes, part by part, so that each can be broken on purpose; and answers, read as
 * RFC 9112 says.
 */

export interface HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | null;
  /** In pieces of so many bytes in place of a length that is told before; null: with a length. */
  readonly chunk: number | null;
}

function framed({ body, chunk }: HttpRequest): [header: string, bytes: Buffer][] {
  if (body === null) return [];
  if (chunk === null) return [[`content-length: ${body.length}`, body]];
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += chunk) {
    const piece = body.subarray(at, at + chunk);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return [['transfer-encoding: chunked', Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])]];
}

export function bytesOf(request: HttpRequest): Buffer {
  const { method, target, version, headers } = request;
  const [[framing, body] = [null, Buffer.alloc(0)]] = framed(request);
  const lines = [
    `${method} ${target} ${version}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(framing === null ? [] : [framing]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: unknown;
}

/** What is not HTTP, or not of the catalogue, in what the daemon answers. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\x80-\xff]*)$/;
/** Answers without a body, whatever their headers say. */
const isEmpty = (status: number) => status < 200 || status === 204 || status === 304;

/** Takes bytes as they come, and gives answers that are complete. */
export class Answers {
  #input = Buffer.alloc(0);
  /** Methods of requests that are not answered yet: an answer to HEAD has no body. */
  readonly methods: string[] = [];

  take(bytes: Buffer): HttpAnswer[] {
    this.#input = Buffer.concat([this.#input, bytes]);
    const answers: HttpAnswer[] = [];
    for (let answer = this.#next(); answer !== null; answer = this.#next()) {
      if (answer.status < 200) continue;
      this.methods.shift();
      answers.push(answer);
    }
    return answers;
  }

  #next(): HttpAnswer | null {
    const end = this.#input.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [first = '', ...lines] = this.#input.toString('latin1', 0, end).split('\r\n');
    const status = Number(STATUS_LINE.exec(first)?.[1]);
    if (!(status >= 100)) throw new BadAnswer(`no status line: ${JSON.stringify(first)}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [, name, value = ''] = FIELD.exec(line) ?? [];
      if (name === undefined) throw new BadAnswer(`no header: ${JSON.stringify(line)}`);
      headers[name.toLowerCase()] = value;
    }
    const body = this.#body(status, headers, end + 4);
    if (body === null) return null;
    const text = body.content.toString('utf8');
    this.#input = this.#input.subarray(body.end);
    return { status, headers, text, json: parsed(text) };
  }

  #body(
    status: number,
    headers: Readonly<Record<string, string>>,
    at: number,
  ): { content: Buffer; end: number } | null {
    if (isEmpty(status) || this.methods[0] === 'HEAD') return { content: Buffer.alloc(0), end: at };
    if (headers['transfer-encoding'] === 'chunked') return this.#chunks(at);
    const length = Number(headers['content-length']);
    if (!Number.isInteger(length)) throw new BadAnswer(`${status} without a length`);
    const end = at + length;
    return this.#input.length < end ? null : { content: this.#input.subarray(at, end), end };
  }

  #chunks(start: number): { content: Buffer; end: number } | null {
    const pieces: Buffer[] = [];
    for (let at = start; ; ) {
      const line = this.#input.indexOf('\r\n', at);
      if (line < 0) return null;
      const size = Number.parseInt(this.#input.toString('latin1', at, line), 16);
      if (!(size >= 0)) throw new BadAnswer('a chunk without a size');
      const end = line + 2 + size;
      if (this.#input.length < end + 2) return null;
      pieces.push(this.#input.subarray(line + 2, end));
      at = end + 2;
      if (size === 0) return { content: Buffer.concat(pieces), end: at };
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
