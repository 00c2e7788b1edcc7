/** One request of an administrator over the daemon's REST socket. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Json } from './pattern.js';

/** The status, and the body where there is one. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: Json,
): Promise<{ readonly status: number; readonly body: Json }> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { socketPath, method, path, headers, host: 'localhost', agent: false };
    const outgoing = request(options, (response) => {
      text(response).then((answered) => {
        const { statusCode: status = 0 } = response;
        resolve({ status, body: answered === '' ? null : (JSON.parse(answered) as Json) });
      }, reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
