/**
 * A daemon's end of a connection, played by hand in this process: it accepts one client and sends
 * it whatever events, bytes and fds a test wants.
 */
import { join } from 'node:path';
import type { Test } from 'tap';
import { close } from '../../src/native/libc/fd.js';
import { listenUnix, receive, send } from '../../src/native/libc/socket.js';
import type { Interface, Message, MessageOf, Values } from '../../src/protocol/wire.js';
import { accept } from './accept.js';
import { temporaryFolder } from './folder.js';
import { encode } from './wire.js';

export class FakeDaemon {
  readonly path: string;
  readonly #listener: number;
  #peer = -1;

  constructor(t: Test) {
    this.path = join(temporaryFolder(t), 'client.sock');
    this.#listener = listenUnix(this.path);
    t.teardown(() => this.close());
  }

  /** Takes the client that has connected. */
  accept(): void {
    this.#peer = accept(this.#listener);
  }

  /** The same, where one has by now. */
  accepts(): boolean {
    try {
      this.accept();
      return true;
    } catch {
      return false;
    }
  }

  send(bytes: Buffer, fds: readonly number[] = []): void {
    send(this.#peer, bytes, fds);
  }

  event<I extends Interface, N extends I['events'][number]['name']>(
    definition: I,
    id: number,
    name: N,
    ...values: Values<MessageOf<I, 'events', N>>
  ): void {
    const message = definition.events.find((event) => event.name === name) as Message;
    const { bytes, fds } = encode(message, id, values as Values<Message>);
    this.send(bytes, fds);
  }

  /** What has come from the client since the last time, as text; fds of it are closed. */
  received(): string {
    const came = receive(this.#peer);
    for (const fd of came?.fds ?? []) close(fd);
    return came?.bytes.toString('latin1') ?? '';
  }

  hangUp(): void {
    if (this.#peer >= 0) close(this.#peer);
    this.#peer = -1;
  }

  close(): void {
    this.hangUp();
    close(this.#listener);
  }
}
