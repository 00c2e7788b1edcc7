/**
 * The field's other brokers, from Debian's packages, each started in a folder of its own: in a guest that has them
 * in a layer (support/guest.ts), without systemd.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { close } from '../../src/native/libc/fd.js';
import { listenUnix } from '../../src/native/libc/socket.js';
import { eventually } from '../../test/support/daemon.js';
import { bound, compile, end, temporaryFolder } from './programs.js';

/** What a program of c/peer-*.c is told, and what it compiles with; `stop` ends the broker. */
export interface Broker {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

const pkgconf = (...names: string[]) =>
  execFileSync('pkgconf', ['--cflags', '--libs', ...names], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);

const peer = (name: string, flags: readonly string[] = []) =>
  compile(`peer-${name}`, { sources: ['peer.h'], flags });

const there = (path: string) => eventually(() => existsSync(path), `${path} is there`);

/** GL by software and without a window: the least that it starts with. */
export async function startVirgl(): Promise<Broker> {
  const socket = join(temporaryFolder(), 'virgl.sock');
  const args = ['--use-egl-surfaceless', '--socket-path', socket];
  const child = bound(spawn('virgl_test_server', args, { stdio: 'ignore' }));
  await there(socket);
  return { program: peer('virgl'), args: [socket], env: {}, stop: () => end(child) };
}

const BUS = (path: string) =>
  `<busconfig><listen>unix:path=${path}</listen><policy context="default"><allow send_destination="*"/>` +
  '<allow receive_sender="*"/><allow own="*"/></policy></busconfig>\n';

/** Its launcher wants a socket that it is given, the journal's, and a bus on which systemd would be: its own will do. */
export async function startDbus(): Promise<Broker> {
  const folder = temporaryFolder();
  const [socket, config] = [join(folder, 'bus.sock'), join(folder, 'bus.conf')];
  writeFileSync(config, BUS(socket));
  const journal = '/run/systemd/journal/socket';
  mkdirSync(join(journal, '..'), { recursive: true });
  const sink = bound(
    spawn('socat', ['-u', `UNIX-RECV:${journal}`, '/dev/null'], { stdio: 'ignore' }),
  );
  await there(journal);
  const listening = listenUnix(socket);
  const start = 'export LISTEN_PID=$$; exec dbus-broker-launch --scope user --config-file "$1"';
  const child = bound(
    spawn('sh', ['-c', start, 'sh', config], {
      stdio: ['ignore', 'ignore', 'ignore', listening],
      env: { ...process.env, LISTEN_FDS: '1', DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` },
    }),
  );
  close(listening);
  const stop = async () => {
    await end(child);
    await end(sink);
  };
  return { program: peer('dbus'), args: [socket], env: {}, stop };
}

/** There is no broker: the one that gives listens itself. */
export async function startUnixfd(): Promise<Broker> {
  const program = peer('gstreamer', pkgconf('gstreamer-app-1.0', 'gstreamer-allocators-1.0'));
  const socket = join(temporaryFolder(), 'unixfd.sock');
  return { program, args: [socket], env: {}, stop: async () => {} };
}

export async function startPipewire(): Promise<Broker> {
  const folder = temporaryFolder();
  const env = { XDG_RUNTIME_DIR: folder, PIPEWIRE_REMOTE: 'pipewire-0-manager' };
  const child = bound(
    spawn('pipewire', { stdio: 'ignore', env: { ...process.env, XDG_RUNTIME_DIR: folder } }),
  );
  await there(join(folder, 'pipewire-0-manager'));
  return {
    program: peer('pipewire', pkgconf('libpipewire-0.3')),
    args: [],
    env,
    stop: () => end(child),
  };
}
