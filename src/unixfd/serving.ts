/**
 * The socket on which unixfdsrc finds frames, with its mode from the first moment. Who may connect is what the file's mode
 * says: the protocol knows no users.
 *
 * Owns: the listening socket and its file.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Usage } from '../cli/failure.js';
import { isSystemError } from '../native/libc/errno.js';
import { close } from '../native/libc/fd.js';
import { accept, listenUnix, refuseFds } from '../native/libc/socket.js';
import { type Watch, watch } from '../native/libc/watch.js';
import { publishSocket } from '../server/machine/socket-file.js';
import type { Peers } from './peers.js';

export interface SocketTerms {
  readonly path: string;
  /** 0600 by default: its owner's alone. */
  readonly mode?: number;
  readonly group?: number;
  readonly say: (text: string) => void;
}

const OWN = 0o600;
const AGAIN_MS = 1000;

/** Returns what ends it. Throws Usage where the file cannot be had. */
export async function serveOn(terms: SocketTerms, peers: Peers): Promise<() => void> {
  const { path, mode = OWN, group } = terms;
  const folder = dirname(path);
  if (!existsSync(folder)) throw new Usage(`there is no folder ${folder} for the socket`);
  let fd = -1;
  let watching: Watch | null = null;
  let again: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(again);
    watching?.close();
    if (fd >= 0) close(fd);
    fd = -1;
  };
  try {
    const published = await publishSocket(
      { path, mode, ...(group !== undefined && { group }) },
      (temporary) => {
        fd = listenUnix(temporary);
        // Nobody has any to send here; older kernels let them, and who does is disconnected.
        refuseFds(fd);
      },
    );
    const listen = (): void => {
      watching = watch(fd, () => {
        try {
          for (let peer = accept(fd); peer !== null; peer = accept(fd)) peers.add(peer);
        } catch (error) {
          if (!isSystemError(error)) throw error;
          // There is no file descriptor left, or no memory: later.
          terms.say(`nobody can be let in: ${error.message}`);
          watching?.close();
          again = setTimeout(listen, AGAIN_MS);
        }
      });
    };
    listen();
    return () => {
      published.unpublish();
      end();
    };
  } catch (error) {
    end();
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}
