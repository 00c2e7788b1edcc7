/**
 * Runs the real REST server on a Unix socket in a folder of its own, for one test, and sends it
 * requests over that socket.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import type { Test } from 'tap';
import { SystemClock } from '../../../../src/native/clock.js';
import { EventRing } from '../../../../src/server/events/ring.js';
import { listenOnUnixSocket, type UnixListenOptions } from '../../../../src/server/http/listen.js';
import { createHttpServer, type HttpServerOptions } from '../../../../src/server/http/server.js';
import { FakeDaemon } from './fake-daemon.js';
import { openapiPath } from './root.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, parsed; undefined where it is no JSON. */
  readonly json: unknown;
}

export interface RequestOptions {
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, with whatever content type the headers name. */
  readonly raw?: string | Buffer;
}

export interface Running {
  readonly app: FastifyInstance;
  readonly daemon: FakeDaemon;
  readonly ring: EventRing;
  readonly socketPath: string;
  /** The log's lines, parsed. */
  readonly log: Record<string, unknown>[];
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** Sends bytes; resolves with whatever came back until the server closed the connection. */
  raw(bytes: string | Buffer): Promise<string>;
}

type StartOptions = Partial<HttpServerOptions> &
  Omit<Partial<UnixListenOptions>, 'path'> & { readonly daemon?: FakeDaemon };

/** A folder that is removed at the test's end. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a server; it is closed at the test's end. */
export async function startServer(t: Test, options: StartOptions = {}): Promise<Running> {
  const daemon = options.daemon ?? new FakeDaemon();
  const log: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => log.push(JSON.parse(line)) });
  const ring = options.ring ?? new EventRing();
  const clock = options.clock ?? new SystemClock();
  const app = createHttpServer({ world: daemon, logger, openapiPath, ...options, ring, clock });
  const socketPath = join(temporaryFolder(t), 'rest.sock');
  await listenOnUnixSocket(app, { path: socketPath, ...options });
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  t.teardown(async () => {
    agent.destroy();
    await app.close();
  });

  return {
    app,
    daemon,
    ring,
    socketPath,
    log,
    request: (method, path, request) => send(agent, socketPath, method, path, request),
    raw: (bytes) =>
      new Promise((resolve) => {
        const chunks: Buffer[] = [];
        const socket = connect(socketPath, () => socket.write(bytes));
        socket.on('data', (chunk) => chunks.push(chunk));
        // A server that closes early makes writing fail; what came back is what counts.
        socket.on('error', () => {});
        socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
      }),
  };
}

export async function send(
  agent: Agent,
  socketPath: string,
  method: string,
  path: string,
  { headers = {}, body, raw }: RequestOptions = {},
): Promise<Answer> {
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({
      agent,
      socketPath,
      method,
      path,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(content === undefined ? {} : { 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end(content);
  });
  const text = await readAll(response);
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
