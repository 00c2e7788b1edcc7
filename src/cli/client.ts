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

/** Connects as any client does; `close` it, or the program does not end. */
export async function connectTo(given: string | undefined): Promise<Client> {
  const path = given ?? clientSocket(CLIENT_SOCKET);
  // The client library loads native code, which no other command needs.
  const { connect, ConnectionError } = await import('../client/index.js');
  try {
    return await connect({ socket: path });
  } catch (error) {
    if (error instanceof ConnectionError) throw refusedConnection(path, error);
    if (error instanceof Error && 'syscall' in error) {
      throw new Unreachable(`cannot reach the daemon: ${whyUnreachable(error, path)}\n${HINT}`);
    }
    throw error;
  }
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

/** An answer of the daemon; a refusal becomes one of REST's shape, as every command tells them. */
export async function answered<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const { code, message, detail } = error;
    const said = detail as NonNullable<Problem['refusal']>;
    throw new Refused({ ...problemOf(code, message), refusal: said });
  }
}
