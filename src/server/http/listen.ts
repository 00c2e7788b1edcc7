/**
 * Lets the REST server listen on a Unix socket whose file's owner, group and mode say who may
 * connect. Closing the server removes the file.
 */
import type { FastifyInstance } from 'fastify';
import { publishSocket, type SocketFile } from '../socket-file.js';

export type UnixListenOptions = SocketFile;

/** Listens; afterwards the socket file is there with its final mode and group. */
export async function listenOnUnixSocket(
  app: FastifyInstance,
  options: UnixListenOptions,
): Promise<void> {
  let unpublish: () => void;
  try {
    unpublish = await publishSocket(options, (path) =>
      // Fastify's log line is to name the file's final path, not the one that it binds.
      app.listen({ path, listenTextResolver: () => `REST API on ${options.path}` }),
    );
  } catch (error) {
    await app.close();
    throw error;
  }
  app.server.once('close', () => unpublish());
}
