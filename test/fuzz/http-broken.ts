/**
 * Breaks HTTP requests: what smuggles one request in another (RFC 9112, section 11.2), what parsers take
 * differently, what is too long, too deep or no text, and any bytes.
 */
import type { Random } from '../support/random.js';
import { bytesOf, type HttpRequest } from './http-message.js';
import { bytes as randomBytes } from './values.js';

type Header = readonly [name: string, value: string];

/** One header more, or one in another's place. */
const HEADERS: readonly Header[] = [
  ['host', 'localhost'],
  ['host', 'example.org'],
  ['host', ''],
  ['content-length', '0'],
  ['content-length', '5'],
  ['content-length', '-1'],
  ['content-length', '+5'],
  ['content-length', '0x5'],
  ['content-length', '5, 5'],
  ['content-length', '18446744073709551616'],
  ['transfer-encoding', 'chunked'],
  ['transfer-encoding', 'chunked, identity'],
  ['transfer-encoding', 'xchunked'],
  ['transfer-encoding', 'Chunked'],
  ['transfer-encoding', 'gzip, chunked'],
  ['transfer-encoding\t', 'chunked'],
  ['Transfer-Encoding ', 'chunked'],
  ['expect', '100-continue'],
  ['expect', '200-ok'],
  ['connection', 'close'],
  ['connection', 'upgrade, http2-settings'],
  ['upgrade', 'h2c'],
  ['upgrade', 'websocket'],
  ['content-type', 'application/json'],
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', ''],
  ['content-encoding', 'gzip'],
  ['if-match', '*'],
  ['if-match', '"'],
  ['if-none-match', 'W/"a", "b'],
  ['range', 'bytes=0-0'],
  ['origin', 'null'],
  ['authorization', 'Bearer x'],
  ['idempotency-key', 'a'],
  ['idempotency-key', ' \t'],
  ['x', '\x00'],
  ['x', '\x7f\x80\xff'],
  ['x', 'y\r\n folded'],
  ['x', 'y\nz: 1'],
  ['no colon at all', ''],
  ['', 'no name'],
  ['__proto__', '1'],
  ['x', 'y'.repeat(9000)],
];

const TARGETS = [
  '',
  '/',
  '*',
  '//',
  '/v1//buffers',
  '/v1/../healthz',
  '/v1/buffers/..%2f..%2f',
  '/v1/buffers/%00',
  '/v1/buffers/%zz',
  '/v1/buffers/%c3%28',
  '/v1/buffers/%',
  '/v1/buffers/%252e',
  '/v1/buffers/__proto__',
  '/v1/buffers?limit=1&limit=2',
  '/v1/buffers?limit[]=1',
  '/v1/buffers?__proto__=1&constructor=2',
  '/v1/buffers?%zz=%zz',
  `/v1/buffers?${'a=1&'.repeat(500)}`,
  `/${'a'.repeat(9000)}`,
  'http://localhost/v1/buffers',
  'http://example.org/v1/buffers',
  'localhost:80',
  '/v1/buffers#fragment',
  '/v1/buffers HTTP/1.1\r\nx: y',
  '/v1/b\x00ffers',
  '/v1/b\xfcffers',
];

const BODIES = [
  '',
  '{',
  'null',
  '"text"',
  '[]',
  'NaN',
  '1e999',
  '{"size":1e999}',
  '\ufeff{}',
  '{"kind":"buffer","kind":"image"}',
  '{"__proto__":{"kind":"buffer"}}',
  '{"constructor":{"prototype":{}}}',
  '{"name":"\\ud800"}',
  `${'['.repeat(8000)}${']'.repeat(8000)}`,
  `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
  `"${'x'.repeat(20_000)}"`,
];

const CHUNKS = [
  'FFFFFFFFFFFFFFFF\r\n',
  '-1\r\n',
  '0x4\r\nabcd\r\n0\r\n\r\n',
  '4;ext="\r\nabcd\r\n0\r\n\r\n',
  '4\r\nabcdX0\r\n\r\n',
  '2\nab\n0\n\n',
  '0\r\nhost: example.org\r\n\r\n',
  `0\r\n${'x: y\r\n'.repeat(1000)}\r\n`,
  `1;${'e'.repeat(9000)}\r\na\r\n0\r\n\r\n`,
];

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  'G\x00T',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.1 ',
  'http/1.1',
  'HTTP/1.11',
  '',
];

type Mutation = (random: Random, request: HttpRequest) => HttpRequest | Buffer;

const some = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)] as T;

const mutations: readonly Mutation[] = [
  (random, request) => ({ ...request, method: some(random, METHODS) }),
  (random, request) => ({ ...request, version: some(random, VERSIONS) }),
  (random, request) => ({ ...request, target: some(random, TARGETS) }),
  (random, request) => ({ ...request, headers: [...request.headers, some(random, HEADERS)] }),
  (random, request) => ({ ...request, headers: [some(random, HEADERS), ...request.headers] }),
  (random, { headers, ...rest }) => ({
    ...rest,
    headers: headers.filter(() => random.below(3) > 0),
  }),
  (random, request) => ({
    ...request,
    headers: [
      ...request.headers,
      ...Array.from({ length: 200 + random.below(2000) }, (_, i): Header => [`x${i}`, '']),
    ],
  }),
  (random, request) => ({ ...request, body: Buffer.from(some(random, BODIES)) }),
  (random, request) => ({ ...request, body: randomBytes(random, random.below(300)) }),
  // Bytes after the end that its length does not count, or fewer than it counts
  (random, request) => {
    const bytes = bytesOf(request);
    return random.below(2) === 0
      ? Buffer.concat([bytes, Buffer.from('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')])
      : bytes.subarray(0, random.below(bytes.length));
  },
  (random, request) => {
    const headers = [...request.headers, ['transfer-encoding', 'chunked'] as const];
    const head = bytesOf({ ...request, headers, body: null, chunk: null });
    return Buffer.concat([head, Buffer.from(some(random, CHUNKS))]);
  },
  // Both ways of telling the length
  (random, request) => {
    const both: Header[] = [
      ['content-length', String(random.below(40))],
      ['transfer-encoding', 'chunked'],
    ];
    const headers = [...request.headers, ...(random.below(2) === 0 ? both : both.reverse())];
    const head = bytesOf({ ...request, headers, body: null, chunk: null });
    return Buffer.concat([head, Buffer.from('0\r\n\r\nGET /v1/buffers HTTP/1.1\r\n\r\n')]);
  },
  // Lines that end with a line feed alone
  (_, request) =>
    Buffer.from(bytesOf(request).toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  // Bits, bytes that are gone or are more
  (random, request) => {
    const bytes = Buffer.from(bytesOf(request));
    for (let i = random.below(5); i >= 0; i--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
    const at = random.below(bytes.length);
    const more = randomBytes(random, random.below(6));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + random.below(4))]);
  },
  (random) => randomBytes(random, 1 + random.below(200)),
];

/** The request, broken in one way, or in several. */
export function broken(random: Random, request: HttpRequest): Buffer {
  let now: HttpRequest | Buffer = request;
  do now = some(random, mutations)(random, now);
  while (!Buffer.isBuffer(now) && random.below(3) === 0);
  return Buffer.isBuffer(now) ? now : bytesOf(now);
}
