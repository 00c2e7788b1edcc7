/**
 * Where the daemon is asked: on its Unix socket, or at a URL with a token. The token is read from a
 * file, since arguments and environments of processes are shown to others, and is never printed.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../memory/errors.js';
import { clientSocket, REST_SOCKET } from '../protocol/paths.js';
import { Usage } from './failure.js';

/** What each request is sent with, and what the place is called in messages. */
export interface Target {
  readonly name: string;
  /** A way out, for somebody whose daemon is elsewhere. */
  readonly hint: string;
  readonly tls: boolean;
  readonly place:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number };
  readonly headers: Readonly<Record<string, string>>;
}

export interface TargetOptions {
  readonly socket?: string;
  readonly url?: string;
  readonly tokenFile?: string;
}

/** RFC 6750, 2.1: what may stand after `Bearer`. */
const TOKEN = /^[\w.~+/-]+=*$/;

/** What the options say, else what the environment says (a URL before a socket), else the usual. */
export function targetOf(options: TargetOptions, env: NodeJS.ProcessEnv): Target {
  const url = options.url ?? (options.socket === undefined ? env.DMABROKER_URL : undefined);
  if (url) return urlTarget(url, options.tokenFile ?? env.DMABROKER_TOKEN_FILE);
  if (options.tokenFile !== undefined) throw new Usage('--token-file is for --url');
  const socketPath = options.socket ?? clientSocket(REST_SOCKET, { env });
  return {
    name: socketPath,
    hint: '--socket or DMABROKER_REST_SOCKET names another socket.',
    tls: false,
    place: { socketPath },
    headers: { host: 'localhost' },
  };
}

function urlTarget(text: string, tokenFile: string | undefined): Target {
  // The URL may have a secret in it by mistake: it is not repeated.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new Usage('the URL must be http://HOST:PORT or https://HOST:PORT');
  }
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash) {
    throw new Usage('the URL must have a host and a port alone; the token is in --token-file');
  }
  const tls = url.protocol === 'https:';
  if (!tls && !isLoopback(url.hostname)) {
    throw new Usage(`the token would be sent to ${url.hostname} in the clear: use https`);
  }
  if (!tokenFile) throw new Usage('a URL needs --token-file or DMABROKER_TOKEN_FILE');
  return {
    name: url.origin,
    hint: '--url or DMABROKER_URL names another address.',
    tls,
    place: {
      // An IPv6 address has brackets in a URL only.
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port) || (tls ? 443 : 80),
    },
    headers: { host: url.host, authorization: `Bearer ${readToken(tokenFile)}` },
  };
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Usage(`no token can be read: ${messageOf(error)}`);
  }
  if (!TOKEN.test(token)) throw new Usage(`${file} has no token in it, or more than a token`);
  return token;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
