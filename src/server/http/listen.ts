/**
 * Lets the REST server listen on a Unix socket whose file's owner, group and mode say who may
 * connect. Closing the server removes the file, but one that the service manager has made.
 *
 * HTTP has no file descriptors. Whoever sends one to this socket all the same would have this thread close
 * it: libuv reads with read(2), in which the kernel drops it, and a close may wait for its owner. From Linux
 * 6.16 on nobody can send one; before, whoever may connect can hold up REST, which is told once.
 */
import type { FastifyInstance } from 'fastify';
import { refuseFds } from '../../native/libc/socket.js';
import {
  type Published,
  type Publishing,
  publishSocket,
  type SocketFile,
} from '../machine/socket-file.js';

export type UnixListenOptions = SocketFile;

/** A socket that listens already; the server's from now on. */
export interface Handed {
  readonly fd: number;
  readonly published: Published;
}

/** Listens; afterwards the socket file is there with its final mode and group. */
export async function listenOnUnixSocket(
  app: FastifyInstance,
  options: UnixListenOptions,
  state?: Publishing | Handed,
): Promise<Published> {
  let published: Published;
  try {
    const listen = async (where: { readonly path: string; readonly fd?: number }) => {
      // Fastify's log line is to name the file's final path, not the one that it binds.
      await app.listen({ ...where, listenTextResolver: () => `REST API on ${options.path}` });
      const { fd } = (app.server as unknown as { _handle: { fd: number } })._handle;
      if (!refuseFds(fd)) app.log.info('this kernel lets clients of REST send files to it');
    };
    if (state !== undefined && 'fd' in state) {
      const { path } = options;
      // Node does not ask where an fd is bound, and Fastify wants to know.
      app.server.address = () => path;
      await listen({ path, fd: state.fd });
      ({ published } = state);
    } else {
      published = await publishSocket(options, (path) => listen({ path }), state);
    }
  } catch (error) {
    await app.close();
    throw error;
  }
  app.server.once('close', () => published.unpublish());
  return published;
}
