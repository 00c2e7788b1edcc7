/**
 * The daemon's client socket, for the commands that deal in file descriptors: those do not travel
 * over REST.
 */
import { Option } from 'commander';
import { BrokerError, catalogue } from '../broker/errors.js';
import type { Client } from '../client/index.js';
import { CLIENT_SOCKET, clientSocket } from '../paths.js';
import type { Problem } from '../server/control.js';
import { Refused, Unreachable } from './failure.js';

export const clientSocketOption = () =>
  new Option(
    '--client-socket <path>',
    "the daemon's client socket (env: DMABROKER_SOCKET; default: dmabroker/client.sock in " +
      "$XDG_RUNTIME_DIR, or the system's in /run)",
  );

/** Connects as any client does; `close` it, or the program does not end. */
export async function connectTo(given: string | undefined): Promise<Client> {
  const path = given ?? (process.env.DMABROKER_SOCKET || clientSocket(CLIENT_SOCKET));
  // The client library loads native code, which no other command needs.
  const { connect, ConnectionError } = await import('../client/index.js');
  try {
    return await connect({ socket: path });
  } catch (error) {
    if (error instanceof ConnectionError || (error instanceof Error && 'syscall' in error)) {
      throw new Unreachable(`no daemon on ${path}: ${error.message}`);
    }
    throw error;
  }
}

/** An answer of the daemon; a refusal becomes one of REST's shape, as every command tells them. */
export async function answered<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const { code, message, refusal } = error;
    const { status, title } = catalogue[code];
    const type = `urn:dmabroker:error:${code}`;
    // JSON on the wire, whose shape the client library does not describe further.
    const said = refusal as NonNullable<Problem['refusal']>;
    throw new Refused({ type, title, status, detail: message, code, refusal: said });
  }
}
