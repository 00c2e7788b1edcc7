/**
 * The client's half of the wire protocol without a socket: encodes requests, cuts what comes back
 * into events. It keeps no rules, so that tests can break them.
 */
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import * as dmabuf from '../../src/protocol/linux-dmabuf-v1.gen.js';
import * as wayland from '../../src/protocol/wayland.gen.js';
import {
  HEADER_SIZE,
  type Interface,
  type Message,
  type MessageOf,
  type UntypedNewId,
  type Values,
} from '../../src/protocol/wire.js';
import { decode, decodeHeader, encode } from './wire.js';

export interface WireEvent {
  readonly object: number;
  /** As in the protocol's text: `wl_display.error`. */
  readonly name: string;
  readonly values: readonly unknown[];
}

/** Every interface of the protocols' tables, by its name. */
export const interfaces: ReadonlyMap<string, Interface> = new Map<string, Interface>(
  [dmabroker, dmabuf, wayland]
    .flatMap((protocol): Interface[] => Object.values(protocol))
    .map((definition) => [definition.name, definition]),
);

/** A buffer's 64-bit values and the like, as `[high, low]`. */
export const split64 = (value: bigint): [number, number] => [
  Number(value >> 32n),
  Number(value & 0xffffffffn),
];

export class WirePeer {
  readonly #objects = new Map<number, Interface>([[1, wayland.wl_display]]);
  #input: Buffer = Buffer.alloc(0);
  /** fds that came and that no event has taken yet. */
  readonly fds: number[] = [];

  /** The bytes of a request; the objects that it makes are known from then on. */
  request<I extends Interface, N extends I['requests'][number]['name']>(
    definition: I,
    id: number,
    name: N,
    ...values: Values<MessageOf<I, 'requests', N>>
  ): Buffer {
    const message = definition.requests.find((request) => request.name === name) as Message;
    for (const [i, arg] of message.args.entries()) {
      if (arg.type !== 'new_id') continue;
      const value = (values as unknown[])[i] as number | UntypedNewId;
      if (typeof value === 'number') this.#know(value, arg.interface);
      else this.#know(value.id, value.interface);
    }
    return encode(message, id, values as Values<Message>).bytes;
  }

  #know(id: number, name: string | undefined): void {
    const definition = interfaces.get(name ?? '');
    // A test may use the display's id: its events go on being the display's.
    if (definition !== undefined && id !== 1) this.#objects.set(id, definition);
  }

  /** The events that are complete now. */
  read(bytes: Buffer, fds: readonly number[] = []): WireEvent[] {
    this.fds.push(...fds);
    this.#input = Buffer.concat([this.#input, bytes]);
    const events: WireEvent[] = [];
    while (this.#input.length >= HEADER_SIZE) {
      const { object, opcode, size } = decodeHeader(this.#input, 0);
      if (this.#input.length < size) break;
      const definition = this.#objects.get(object);
      const message = definition?.events[opcode];
      if (definition === undefined || message === undefined) {
        throw new Error(`event ${opcode} of object ${object}, which is not known`);
      }
      const body = this.#input.subarray(HEADER_SIZE, size);
      const values = decode(message, body, this.fds) as unknown[];
      events.push({ object, name: `${definition.name}.${message.name}`, values });
      this.#input = this.#input.subarray(size);
    }
    return events;
  }
}
