/** The connection to the broker, and what its failures are called. */
import { Refused, Unreachable, whyUnreachable } from '../cli/failure.js';
import { BrokerError, type Client, ConnectionError, connect } from '../client/index.js';
import { catalogue } from '../memory/errors.js';
import { CLIENT_SOCKET, clientSocket } from '../protocol/paths.js';

/** A daemon that is restarted, or upgraded, is back by then: frames wait meanwhile. */
const RESTART_SECONDS = 60;

/** Throws Unreachable where there is no daemon. */
export async function connectBroker(
  given: string | undefined,
  say: (text: string) => void,
): Promise<Client> {
  const socket = given ?? clientSocket(CLIENT_SOCKET);
  let client: Client;
  try {
    client = await connect({ socket, reconnect: { seconds: RESTART_SECONDS } });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const why = error instanceof ConnectionError ? error.message : whyUnreachable(error, socket);
    throw new Unreachable(`cannot reach the daemon: ${why}`);
  }
  client.onDisconnected(() => say(`the daemon has gone: waiting ${RESTART_SECONDS} s at most`));
  client.onReconnected(() => say('the daemon is back'));
  return client;
}

/** What the daemon has said, as the command line tells it; any other error as it is. */
export function told(error: unknown): unknown {
  if (error instanceof ConnectionError) {
    return new Unreachable(`the connection to the daemon is over: ${error.message}`);
  }
  if (!(error instanceof BrokerError)) return error;
  const { code, message: detail } = error;
  const { status, title } = catalogue[code];
  return new Refused({ type: `urn:dmabroker:error:${code}`, title, status, detail, code });
}
