/**
 * dmabroker-unixfd: shares the broker's buffers with GStreamer, unchanged: with its unixfdsrc, which is served, and its
 * unixfdsink, whose frames are taken. A program of its own and a client of the daemon like any other: a foreign protocol, and
 * foreign file descriptors, have no place in the daemon. Importing this module runs the program.
 */
import { EXIT_OK, EXIT_REFUSED, EXIT_USAGE, Failure, Usage } from '../cli/failure.js';
import { printable } from '../cli/printable.js';
import type { Client, HandleType } from '../client/index.js';
import { isSystemError } from '../native/libc/errno.js';
import { packageVersion } from '../package-root.js';
import { connectBroker, told } from './broker.js';
import { CapsError, parseCaps, videoOf } from './codec/caps.js';
import { type Consumer, streamOf } from './frame.js';
import { Peers } from './peers.js';
import {
  type BrokerOptions,
  dmabrokerUnixfd,
  type RelayOptions,
  type ServeOptions,
  type ServingOptions,
  type TakeOptions,
} from './program.js';
import { openInput, openOutput, play, RawOutput } from './raw.js';
import { Ring } from './ring.js';
import { serveTokens } from './serve-tokens.js';
import { serveOn } from './serving.js';
import { connectSink, SourceGone } from './sink.js';
import { TokenOutput } from './tokens.js';
import { isFault, Upstream } from './upstream.js';

/** A signal, or the end of what cannot be done without: what is open is ended, and then the program. */
const stopped = new AbortController();
let quiet = false;

const complain = (text: string): void => {
  process.stderr.write(`dmabroker-unixfd: ${text.split('\n').map(printable).join('\n')}\n`);
};
const say = (text: string): void => {
  if (!quiet) complain(text);
};

/** Rejects with what has stopped it; resolves where that was a signal. */
function whenStopped(): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () =>
      stopped.signal.reason instanceof Error ? reject(stopped.signal.reason) : resolve();
    if (stopped.signal.aborted) end();
    else stopped.signal.addEventListener('abort', end, { once: true });
  });
}

async function broker(
  options: BrokerOptions,
): Promise<{ client: Client; handleTypes: HandleType[] }> {
  quiet = options.quiet === true;
  const client = await connectBroker(options.socket, say);
  client.onClosed((error) => stopped.abort(error));
  return { client, handleTypes: options.memfd === true ? ['dma_buf', 'memfd'] : ['dma_buf'] };
}

/** One is being written while each peer has all that it may have. */
const mostOf =
  (peers: Peers, { unreleased }: ServingOptions) =>
  () =>
    1 + unreleased * Math.max(1, peers.count);

function peersOf({ unreleased, peers: most, wait }: ServingOptions): Peers {
  return new Peers({ unreleased, most, patience: wait * 1000, say });
}

async function serve(options: ServeOptions): Promise<void> {
  if (options.tokens === true) return serveOthers(options);
  if (options.caps === undefined) throw new Usage('one of --caps and --tokens must be given');
  let stream: ReturnType<typeof streamOf>;
  try {
    const caps = parseCaps(options.caps);
    stream = streamOf(caps, videoOf(caps));
  } catch (error) {
    throw error instanceof CapsError ? new Usage(`--caps: ${error.message}`) : error;
  }
  if (stream.video.modifier !== 0n)
    throw new Usage('--caps: frames are written as linear ones only');
  const input = openInput(options.input);
  const { client, handleTypes } = await broker(options);
  const peers = peersOf(options);
  const name = options.name ?? `unixfd ${options.path}`;
  const ring = new Ring(stream, { client, handleTypes, name, most: mostOf(peers, options), say });
  // What the daemon refuses is told before anybody connects.
  ring.giveBack(await ring.take());
  const endListening = await serveOn({ ...options, say: complain }, peers);
  try {
    await peers.begin(stream);
    say(`serving ${options.path}`);
    const playing = { input, stream, ring, consumer: peers, wanted: () => peers.some() };
    const left = await Promise.race([play({ ...playing, stopped: stopped.signal }), whenStopped()]);
    await peers.end();
    if (left)
      throw new Usage(
        `${options.input} ends with ${left} bytes of ${stream.layout.size} that are a frame`,
      );
  } finally {
    endListening();
    peers.close();
    client.close();
  }
}

/** What others have drawn. */
async function serveOthers(options: ServeOptions): Promise<void> {
  const { client } = await broker(options);
  const peers = peersOf(options);
  const endListening = await serveOn({ ...options, say: complain }, peers);
  try {
    say(`serving ${options.path}`);
    await serveTokens({ client, peers, say: complain, whenStopped });
  } finally {
    endListening();
    client.close();
  }
}

interface Taking extends BrokerOptions {
  readonly from: string;
  readonly within: number;
  readonly borrow: number;
  readonly live: boolean;
}

/** Until the sink ends. Returns whether there was an end, which `consumer` has been told then. */
async function takeFrom(
  taking: Taking,
  most: () => number,
  consumer: Consumer,
  { client, handleTypes }: Awaited<ReturnType<typeof broker>>,
): Promise<void> {
  const { from, borrow, live } = taking;
  const socket = await connectSink(from, taking.within, stopped.signal);
  const name = taking.name ?? `unixfd ${from}`;
  const upstream = new Upstream(socket, { client, handleTypes, name, most, borrow, live, say });
  try {
    say(`taking what ${from} has`);
    const ended = await Promise.race([upstream.run(consumer), whenStopped()]);
    if (ended === false) throw new SourceGone(`the unixfdsink at ${from} has gone without an end`);
    await consumer.end();
  } catch (error) {
    if (!isFault(error)) throw error;
    throw new SourceGone(`the unixfdsink at ${from}: ${error.message}`);
  } finally {
    upstream.close();
  }
}

async function take(options: TakeOptions): Promise<void> {
  const { output, tokens, path: from, unreleased } = options;
  if (output === undefined && tokens !== true) {
    throw new Usage('one of --output and --tokens must be given');
  }
  const connected = await broker(options);
  try {
    const consumer =
      output === undefined
        ? new TokenOutput({
            unreleased,
            ended: () => stopped.abort(),
            stopped: stopped.signal,
            say,
          })
        : new RawOutput(openOutput(output));
    await takeFrom({ ...options, from, live: false }, () => 1 + unreleased, consumer, connected);
  } finally {
    connected.client.close();
  }
}

async function relay(options: RelayOptions): Promise<void> {
  const connected = await broker(options);
  const peers = peersOf(options);
  const endListening = await serveOn({ ...options, say: complain }, peers);
  try {
    say(`serving ${options.path}`);
    // A sink that waits for a connection begins when there is somebody to have its frames.
    await Promise.race([peers.some(), whenStopped()]);
    if (!stopped.signal.aborted) {
      const live = options.wait === 0;
      await takeFrom({ ...options, live }, mostOf(peers, options), peers, connected);
    }
  } finally {
    endListening();
    peers.close();
    connected.client.close();
  }
}

/** Tells what went wrong; returns the exit code. */
function report(thrown: unknown): number {
  const error = told(thrown);
  if (error instanceof Failure) {
    complain(error.message);
    return error.exitCode;
  }
  if (error instanceof SourceGone) {
    complain(error.message);
    return EXIT_REFUSED;
  }
  if (isSystemError(error)) {
    // Who reads what is written has had enough.
    if (error.code === 'EPIPE') return EXIT_OK;
    complain(error.message);
    return EXIT_USAGE;
  }
  throw error;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // A second one does not wait for anybody.
    if (stopped.signal.aborted) process.exit(EXIT_OK);
    stopped.abort(signal);
  });
}
process.stderr.on('error', () => {});

try {
  await dmabrokerUnixfd(packageVersion(), { serve, take, relay })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT_OK : EXIT_USAGE))
    .showHelpAfterError('(--help shows what there is)')
    .parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
// Something may still be read, or waited for.
process.exit();
