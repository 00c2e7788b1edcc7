/** One request to a REST server, and its answer. */
import { type RequestOptions, request } from 'node:http';

export interface RestAnswer {
  readonly status: number;
  /** JSON parsed; of another type the text. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever the API answers
  readonly body: any;
  /** Where the next page of a list is. */
  readonly next: string | undefined;
}

/** One request, and its answer parsed. */
export function ask(options: RequestOptions, body?: unknown): Promise<RestAnswer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, host: 'localhost', headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const [, next] = /^<([^>]*)>; rel="next"$/.exec(String(response.headers.link)) ?? [];
      const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '');
      const body = text === '' ? null : isJson ? JSON.parse(text) : text;
      resolve({ status: response.statusCode ?? 0, body, next });
    });
    outgoing.once('error', (error) => {
      // "socket hang up" alone does not say whose.
      error.message = `${options.method} ${options.path}: ${error.message}`;
      reject(error);
    });
    outgoing.end(payload);
  });
}
