/**
 * The daemon's client socket, for the commands that deal in file descriptors: those do not travel
 * over REST.
 */
import { Option } from 'commander';
import { BrokerError } from '../client/broker-error.js';
import type { Client, ConnectionError } from '../client/index.js';
import { catalogue, type ErrorCode } from '../memory/errors.js';
import { CLIENT_SOCKET, clientSocket } from '../protocol/paths.js';
import type { Problem } from '../rest/contract.js';
import { Refused, type RefusedProblem, Unreachable, whyUnreachable } from './failure.js';

export const clientSocketOption = () =>
  new Option(
    '--client-socket <path>',
    "the daemon's client socket (env: DMABROKER_SOCKET; default: dmabroker/client.sock in " +
      "$XDG_RUNTIME_DIR, or the system's in /run)",
  );

/** A daemon that is restarted is back by then, or somebody has to see to it. */
const RESTART_SECONDS = 10;

/**
 * Connects as any client does; `close` it, or the program does not end. A restart of the daemon is waited
 * for, and told to people.
 */
export async function connectTo(
  given: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<Client> {
  const path = given ?? clientSocket(CLIENT_SOCKET);
  // The client library loads native code, which no other command needs.
  const { connect, ConnectionError } = await import('../client/index.js');
  try {
    const client = await connect({ socket: path, reconnect: { seconds: RESTART_SECONDS } });
    if (!json) client.onDisconnected(tellOnce);
    return client;
  } catch (error) {
    if (error instanceof ConnectionError) throw refusedConnection(path, error);
    if (error instanceof Error && 'syscall' in error) {
      throw new Unreachable(`cannot reach the daemon: ${whyUnreachable(error, path)}\n${HINT}`);
    }
    throw error;
  }
}

let told = false;

function tellOnce(): void {
  if (!told) {
    const text = `the daemon has gone: waiting for it, ${RESTART_SECONDS} s at most`;
    process.stderr.write(`dmabrokerctl: ${text}\n`);
  }
  told = true;
}

const HINT =
  'Is dmabrokerd running? --client-socket or DMABROKER_SOCKET names another socket for clients.';

/** The connection ended at once: by the policy, or since it is no dmabroker that answers. */
function refusedConnection(path: string, { protocol, message }: ConnectionError): Error {
  if (protocol === null) return new Unreachable(`what answers on ${path} is no dmabroker`);
  const [, detail] = /^protocol error: permission_denied: (.*)$/.exec(message) ?? [];
  return detail === undefined
    ? new Unreachable(`${path}: ${message}`)
    : new Refused(problemOf('permission_denied', detail));
}

function problemOf(code: ErrorCode, detail: string): RefusedProblem {
  const { status, title } = catalogue[code];
  return { type: `urn:dmabroker:error:${code}`, title, status, detail, code };
}

/**
 * An answer of the daemon; a refusal becomes one of REST's shape, as every command tells them, and a daemon
 * that has not come back is one that cannot be reached.
 */
export async function answered<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConnectionError') {
      throw new Unreachable(`the connection to the daemon is over: ${error.message}\n${HINT}`);
    }
    if (!(error instanceof BrokerError)) throw error;
    const { code, message, detail } = error;
    const said = detail as NonNullable<Problem['refusal']>;
    throw new Refused({ ...problemOf(code, message), refusal: said });
  }
}
