/** `serve --tokens`: the lines come on standard input, and the numbers go to standard output. */
import { Usage } from '../cli/failure.js';
import type { Client } from '../client/index.js';
import { LineFault } from './codec/token-lines.js';
import type { Peers } from './peers.js';
import { SourceGone } from './sink.js';
import { TokenInput } from './token-input.js';

export interface ServingTokens {
  readonly client: Client;
  readonly peers: Peers;
  readonly say: (text: string) => void;
  /** Resolves at a signal; rejects where the daemon has gone for good. */
  readonly whenStopped: () => Promise<void>;
}

/** Until there is no more, or a signal. What is out is told as given back at the end. */
export async function serveTokens(serving: ServingTokens): Promise<void> {
  const { client, peers, say, whenStopped } = serving;
  // Whoever does not read the numbers does not need them.
  process.stdout.on('error', () => {});
  const release = (number: number): void => {
    process.stdout.write(`${number}\n`);
  };
  // Nothing is missed by the first one that comes.
  const ready = () => peers.some();
  const tokens = new TokenInput({ client, consumer: peers, ready, release, say });
  const playing = tokens.play(process.stdin);
  try {
    const ended = await Promise.race([playing, whenStopped()]);
    if (ended === false) throw new SourceGone('standard input has ended without {"end":true}');
    await peers.end();
  } catch (error) {
    throw error instanceof LineFault ? new Usage(`standard input, ${error.message}`) : error;
  } finally {
    playing.catch(() => {});
    peers.close();
    tokens.close();
  }
}
