/**
 * A client that is as badly behaved as a test wants: it sends whatever bytes and fds it is given,
 * reads or does not read, and keeps every event.
 */
import { close } from '../../src/native/libc/fd.js';
import { connectUnix, receive, send, shutdown } from '../../src/native/libc/socket.js';
import { type Watch, watch } from '../../src/native/libc/watch.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import { type WireEvent, WirePeer } from './wire-peer.js';

export const REGISTRY = 2;
export const MANAGER = 3;
/** The first id that `ready` leaves free. */
export const FREE = 4;

export class RawClient {
  readonly fd: number;
  readonly peer = new WirePeer();
  readonly events: WireEvent[] = [];
  #watch: Watch | null = null;
  #onChange: () => void = () => {};
  #over = false;
  /** What reading ended with, where that was not the end of the stream. */
  failure: unknown = null;

  constructor(path: string, { reading = true }: { reading?: boolean } = {}) {
    this.fd = connectUnix(path);
    if (reading) this.read();
  }

  /** Begins to read. */
  read(): void {
    this.#watch = watch(this.fd, () => this.#readable());
  }

  /** Reads nothing more, until `read`. */
  stop(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #readable(): void {
    while (!this.#over) {
      try {
        const received = receive(this.fd);
        if (received === null) return;
        if (received.bytes.length === 0) this.#over = true;
        else this.events.push(...this.peer.read(received.bytes, received.fds));
      } catch (error) {
        // ECONNRESET: the daemon was killed, and something of ours was left unread.
        this.failure = error;
        this.#over = true;
      }
      // The end of a stream is readable for ever.
      if (this.#over) this.stop();
      this.#onChange();
    }
  }

  /** Sends everything; throws where it cannot be sent at once. */
  send(bytes: Buffer, fds: readonly number[] = []): void {
    if (send(this.fd, bytes, fds) !== bytes.length) throw new Error('the socket is full');
  }

  /** Encodes and sends a request. */
  readonly request: WirePeer['request'] = (...request) => {
    const bytes = this.peer.request(...request);
    this.send(bytes);
    return bytes;
  };

  /** Resolves when `found` is true of the events; rejects where the connection ends before. */
  async until(found: (events: readonly WireEvent[]) => boolean): Promise<void> {
    while (!found(this.events)) {
      if (this.#over) throw new Error('the connection is over');
      await this.#change();
    }
  }

  /** Resolves when the daemon has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#over) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }

  /** Gets as far as a bound manager. */
  async ready(): Promise<this> {
    const target = { interface: dmabroker_manager_v1.name, version: 1, id: MANAGER };
    this.request(wl_display, 1, 'get_registry', REGISTRY);
    this.request(wl_registry, REGISTRY, 'bind', 1, target);
    await this.until((events) => events.some(({ name }) => name === 'dmabroker_manager_v1.done'));
    return this;
  }

  /** The requests for a memfd as object `id`, with params `id + 1`, in one. */
  asking(
    id: number,
    size = 4096,
    lifetime: keyof typeof dmabroker_params_v1.enums.lifetime = 'connection',
  ): Buffer {
    const { memfd } = dmabroker_manager_v1.enums.handle_type;
    const { peer } = this;
    const params = id + 1;
    return Buffer.concat([
      peer.request(dmabroker_manager_v1, MANAGER, 'create_params', params),
      peer.request(dmabroker_params_v1, params, 'set_buffer', 0, size),
      peer.request(dmabroker_params_v1, params, 'set_handle_types', memfd),
      peer.request(
        dmabroker_params_v1,
        params,
        'set_lifetime',
        dmabroker_params_v1.enums.lifetime[lifetime],
      ),
      peer.request(dmabroker_params_v1, params, 'create', id),
      peer.request(dmabroker_params_v1, params, 'destroy'),
    ]);
  }

  /** The requests that take up a linear buffer as object FREE, with its planes' fds; params are the next one. */
  adopt(id: string, session: string, fds: readonly number[], size = 4096): void {
    const { peer } = this;
    const params = FREE + 1;
    this.send(
      Buffer.concat([
        peer.request(dmabroker_manager_v1, MANAGER, 'create_params', params),
        peer.request(dmabroker_params_v1, params, 'set_buffer', 0, size),
        ...fds.map((_, i) => peer.request(dmabroker_params_v1, params, 'add_plane', 0, i, 0, 0)),
        peer.request(dmabroker_params_v1, params, 'adopt', FREE, id, session),
        peer.request(dmabroker_params_v1, params, 'destroy'),
      ]),
      fds,
    );
  }

  /** How many events of a name there were. */
  count(name: string): number {
    return this.events.filter((event) => event.name === name).length;
  }

  /** Closes the fds of the events that there were, and drops them. */
  forget(): void {
    for (const { name, values } of this.events.splice(0)) {
      if (/\.(plane|content|long_detail|metadata)$/.test(name)) close(values[0] as number);
    }
  }

  /** Hangs up; fds that it received are closed. */
  close(): void {
    this.#over = true;
    // The watch has a descriptor of its own, which would keep the connection up.
    shutdown(this.fd);
    this.#watch?.close();
    close(this.fd);
    this.forget();
    for (const fd of this.peer.fds) close(fd);
  }
}
