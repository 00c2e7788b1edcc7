/** An object of the wire protocol on the server's side, and the error that ends a connection. */
import type { HeldFds } from '../../broker/held-fds.js';
import type { Handlers, Interface, Message, MessageOf, Values } from '../../protocol/wire.js';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly object: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** The names of an interface's errors. */
type ErrorOf<I extends Interface> = I['enums'] extends { readonly error: infer E }
  ? keyof E & string
  : never;

/** What an object needs of its connection (connection.ts). */
export interface Outgoing {
  /** Appends an event to what goes out next. Nothing follows an error. */
  write<M extends Message>(message: M, object: number, ...values: Values<M>): void;
  /** Sends what `events` write in one message, with fds. */
  packet(held: HeldFds, events: () => void, received?: () => void): unknown;
  readonly objects: {
    /** Charges what an object keeps. */
    carry(bytes: number): void;
  };
}

/** Who is asked: a function for each request, and one for the end of the object. */
export type Requests<I extends Interface> = Handlers<I, 'requests'> & {
  /** The object has gone: it was destroyed, or its connection has ended. */
  gone?(): void;
};

/** An object of the client, typed by its interface. */
export class Resource<I extends Interface = Interface> {
  alive = true;
  /** Bytes of what it carries, which are charged until it goes. */
  carried = 0;

  constructor(
    readonly connection: Outgoing,
    readonly id: number,
    readonly definition: I,
    readonly version: number,
    readonly requests: Requests<I>,
  ) {}

  /** Queues an event. The fds among the values must be of `held` (see Connection.packet). */
  event<N extends I['events'][number]['name']>(
    name: N,
    ...values: Values<MessageOf<I, 'events', N>>
  ): void {
    if (!this.alive) return;
    const message = this.definition.event[name] as Message;
    this.connection.write(message, this.id, ...(values as Values<Message>));
  }

  /** It keeps so many bytes more of what the client has sent. Ends the connection where that is too much. */
  carry(bytes: number): void {
    this.connection.objects.carry(bytes);
    this.carried += bytes;
  }

  /** Ends the connection with an error of the interface's own: there is no violation without an entry. */
  error(entry: ErrorOf<I>, message: string): never {
    const codes = this.definition.enums.error;
    throw new ProtocolError(this.id, codes?.[entry] ?? 0, message);
  }
}
