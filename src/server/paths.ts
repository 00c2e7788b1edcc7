/**
 * Where the daemon listens and its clients look when nobody says otherwise: one definition for
 * both sides. Kept free of imports that are slow to load, since the command line uses it.
 */
import { isAbsolute, join } from 'node:path';

/** What of the process decides the paths; given by tests. */
export interface PathContext {
  readonly uid: number;
  readonly runtimeDir: string | undefined;
}

/** The folder of the daemon's sockets: the system's for root, else the user's own. */
export function defaultSocketFolder(context: PathContext = currentContext()): string {
  if (context.uid === 0) return '/run/dmabroker';
  const { runtimeDir } = context;
  // The XDG base directory specification: a relative path is invalid and to be ignored.
  const usable = runtimeDir !== undefined && isAbsolute(runtimeDir);
  return join(usable ? runtimeDir : `/run/user/${context.uid}`, 'dmabroker');
}

/** The REST API's Unix socket. */
export function defaultRestSocket(context?: PathContext): string {
  return join(defaultSocketFolder(context), 'rest.sock');
}

/** The client protocol's Unix socket. */
export function defaultClientSocket(context?: PathContext): string {
  return join(defaultSocketFolder(context), 'client.sock');
}

function currentContext(): PathContext {
  // getuid is missing only where there is no dmabroker (Windows); @types/node cannot know.
  const uid = process.getuid?.() ?? 0;
  return { uid, runtimeDir: process.env.XDG_RUNTIME_DIR };
}
