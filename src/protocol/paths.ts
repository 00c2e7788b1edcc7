/**
 * Where the daemon listens, and where clients look when nobody says otherwise: one definition for
 * both sides. Kept free of imports that are slow to load, since the command line uses it.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** What decides where the daemon listens: the process, or what a test says. */
export interface PathContext {
  readonly uid: number;
  /** XDG_RUNTIME_DIR */
  readonly runtimeDir: string | undefined;
  /** RUNTIME_DIRECTORY, which systemd sets for a unit with RuntimeDirectory= (systemd.exec(5)). */
  readonly unitDir: string | undefined;
}

/** What decides where clients look. */
export interface FindContext {
  readonly env: NodeJS.ProcessEnv;
  readonly exists?: (path: string) => boolean;
}

const SYSTEM_FOLDER = '/run/dmabroker';
export const CLIENT_SOCKET = 'client.sock';
export const REST_SOCKET = 'rest.sock';
export type SocketName = typeof CLIENT_SOCKET | typeof REST_SOCKET;

/** What names a socket to clients, an absolute path. */
const VARIABLES: Readonly<Record<SocketName, string>> = {
  [CLIENT_SOCKET]: 'DMABROKER_SOCKET',
  [REST_SOCKET]: 'DMABROKER_REST_SOCKET',
};

/** The user's own folder. A relative XDG_RUNTIME_DIR is to be ignored (XDG base directories). */
function userFolder({ uid, runtimeDir }: PathContext): string {
  const usable = runtimeDir !== undefined && isAbsolute(runtimeDir);
  return join(usable ? runtimeDir : `/run/user/${uid}`, 'dmabroker');
}

/** Where a daemon makes a socket: in its unit's folder, else root's or the user's own. */
export function daemonSocket(name: string, context: PathContext = currentContext()): string {
  // Several folders are separated by colons; ours is the first.
  const unit = context.unitDir?.split(':')[0];
  if (unit) return join(unit, name);
  return join(context.uid === 0 ? SYSTEM_FOLDER : userFolder(context), name);
}

/**
 * Where a client finds one, by the one rule of docs/protocol.md: where its variable says; else in
 * XDG_RUNTIME_DIR, where there is one; else at the system's daemon.
 */
export function clientSocket(
  name: SocketName,
  { env, exists = existsSync }: FindContext = { env: process.env },
): string {
  const named = env[VARIABLES[name]];
  if (named) return named;
  const folder = env.XDG_RUNTIME_DIR;
  const own = folder !== undefined && isAbsolute(folder) && join(folder, 'dmabroker', name);
  return own && exists(own) ? own : join(SYSTEM_FOLDER, name);
}

function currentContext(): PathContext {
  return {
    // getuid is missing only where there is no dmabroker (Windows); @types/node cannot know.
    uid: process.getuid?.() ?? 0,
    runtimeDir: process.env.XDG_RUNTIME_DIR,
    unitDir: process.env.RUNTIME_DIRECTORY,
  };
}
