/**
 * As much of a service manager as the daemon's file-descriptor store needs (sd_pid_notify_with_fds(3)): it keeps
 * what it is sent under its name, each file once, and hands it to the daemon that it starts next. For tests of
 * what comes of it, on any machine; that systemd does the same is test/systemd's to see.
 */
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { addressOf, callInt, lastErrno, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close, identity } from '../../src/native/libc/fd.js';
import { listenUnix, receive } from '../../src/native/libc/socket.js';
import { type Watch, watch } from '../../src/native/libc/watch.js';
import { managerAddress } from '../../src/native/systemd.js';
import { type StartOptions, TestDaemon } from './daemon.js';
import { temporaryFolder } from './folder.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MAX_FDS = 4097;

export class ServiceManager {
  readonly path: string;
  /** FDNAME → fd, in the order in which they came. */
  readonly stored = new Map<string, number>();
  /** Those that were taken for a file that is there already. */
  refused = 0;
  readonly #socket: number;
  readonly #listening: number[] = [];
  #watch: Watch | null = null;
  #closed = false;
  readonly folder: string;

  constructor(
    t: Pick<Test, 'teardown'>,
    /** As FileDescriptorStoreMax=. */
    readonly max = MAX_FDS,
  ) {
    this.folder = temporaryFolder(t);
    this.path = join(this.folder, 'notify');
    const address = managerAddress(this.path);
    this.#socket = callInt(symbol('socket'), AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (callInt(symbol('bind'), this.#socket, addressOf(address), address.length) < 0) {
      throw new SystemError('bind', lastErrno());
    }
    this.reading(true);
    t.teardown(() => this.close());
  }

  /** Listens for the daemon from now on, as its socket units have systemd do. */
  listen(): void {
    for (const name of ['client.sock', 'rest.sock']) {
      this.#listening.push(listenUnix(join(this.folder, name)));
    }
  }

  /** Whether it reads what it is sent. */
  reading(on: boolean): void {
    this.#watch?.close();
    this.#watch = on ? watch(this.#socket, () => this.read()) : null;
  }

  /** All that it was sent until now: before a daemon is started again, too, as systemd does. */
  read(): void {
    for (let got = receive(this.#socket); got !== null; got = receive(this.#socket)) {
      const lines = got.bytes.toString().split('\n');
      const values = new Map(
        lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
      );
      const name = values.get('FDNAME') ?? '';
      if (values.get('FDSTORE') === '1') this.#store(name, got.fds);
      else for (const fd of got.fds) close(fd);
      if (values.get('FDSTOREREMOVE') === '1') this.remove(name);
    }
  }

  #store(name: string, fds: readonly number[]): void {
    const [fd = -1] = fds;
    const { rdev } = fstatSync(fd);
    const files = [...this.stored.values()].map(identity);
    const isThere = rdev === 0 && files.includes(identity(fd));
    if (isThere || this.stored.has(name) || this.stored.size >= this.max) {
      this.refused++;
      close(fd);
    } else this.stored.set(name, fd);
  }

  remove(name: string): void {
    const fd = this.stored.get(name);
    if (fd !== undefined) close(fd);
    this.stored.delete(name);
  }

  /** Names of fds of buffers. */
  get names(): string[] {
    return [...this.stored.keys()].filter((name) => !name.startsWith('state'));
  }

  /** Starts a daemon with what is kept. */
  async start(extra: readonly string[] = [], options: StartOptions = {}): Promise<TestDaemon> {
    this.read();
    const sockets = this.#listening.map((fd): [string, number] => ['socket', fd]);
    const fds = [...sockets, ...this.stored];
    return TestDaemon.start(extra, {
      // Those who were connected come back, and the data plane connects to this and to a keeper.
      awaited: true,
      ...options,
      folder: this.folder,
      // Only the process itself knows its number.
      wrapper: ['sh', '-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', ...(options.wrapper ?? [])],
      fds: fds.map(([, fd]) => fd),
      env: {
        ...(options.env ?? process.env),
        NOTIFY_SOCKET: this.path,
        FDSTORE: `${this.max}`,
        LISTEN_FDS: `${fds.length}`,
        LISTEN_FDNAMES: fds.map(([name]) => name).join(':'),
      },
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.reading(false);
    for (const fd of this.#listening) close(fd);
    for (const name of [...this.stored.keys()]) this.remove(name);
    close(this.#socket);
  }
}
