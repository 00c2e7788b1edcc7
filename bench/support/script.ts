/**
 * Requests for load.c, encoded once with the protocol's own tables, so that while it measures the
 * client does nothing but send bytes.
 */
import { writeFileSync } from 'node:fs';
import { MAX_TOKEN_USES } from '../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_share_v1,
} from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import {
  hi,
  type Interface,
  lo,
  type Message,
  type MessageOf,
  type Values,
} from '../../src/protocol/wire.js';
import { encode } from '../../test/support/wire.js';

const DISPLAY = 1;
const REGISTRY = 2;
export const MANAGER = 3;
/** How often one token can be redeemed. */
export const USES = MAX_TOKEN_USES;
/** Whoever has the token. */
const ANY_UID = 0xffff_ffff;
/** An id for what a request makes and the next one destroys: two take turns. */
const object = (turn: number) => 4 + (turn % 2);
export const PARAMS = 6;

type Requests<I extends Interface> = I['requests'][number]['name'];

function request<I extends Interface, N extends Requests<I>>(
  definition: I,
  id: number,
  name: N,
  ...values: Values<MessageOf<I, 'requests', N>>
): Buffer {
  const message = definition.requests.find((candidate) => candidate.name === name) as Message;
  return encode(message, id, values as Values<Message>).bytes;
}

export function requestOpcode<I extends Interface>(definition: I, name: Requests<I>): number {
  return definition.requests.findIndex((candidate) => candidate.name === name);
}

const eventOpcode = <I extends Interface>(definition: I, name: I['events'][number]['name']) =>
  definition.events.findIndex((candidate) => candidate.name === name);

/** The event that completes an answer. */
interface End {
  readonly object: number;
  readonly opcode: number;
}

const deleted: End = { object: DISPLAY, opcode: eventOpcode(wl_display, 'delete_id') };
const done = (id: number): End => ({
  object: id,
  opcode: eventOpcode(dmabroker_buffer_v1, 'done'),
});

export type Memory =
  | { readonly size: number }
  | { readonly width: number; readonly height: number; readonly format: number };

/** What each connection is asked again and again. */
export type Kind =
  | { readonly kind: 'sync' }
  /** Destroys what was redeemed before, then redeems. Each token is good for `uses`. */
  | { readonly kind: 'redeem'; readonly tokens: readonly string[]; readonly uses: number }
  /** Releases what was allocated before, then allocates. */
  | { readonly kind: 'allocate'; readonly memory: Memory; readonly handleType: number };

function turn(kind: Kind, connection: number, nth: number, all: number): [End, ...Buffer[]] {
  const id = object(nth);
  const before = object(nth + 1);
  switch (kind.kind) {
    case 'sync':
      return [deleted, request(wl_display, DISPLAY, 'sync', id)];
    case 'redeem': {
      const token = kind.tokens[Math.floor((nth + connection * all) / kind.uses)];
      if (token === undefined) throw new Error('too few tokens');
      const redeem = request(dmabroker_manager_v1, MANAGER, 'redeem', id, token);
      const end = request(dmabroker_buffer_v1, before, 'destroy');
      return [done(id), ...(nth === 0 ? [] : [end]), redeem];
    }
    case 'allocate': {
      const { memory, handleType } = kind;
      const set =
        'size' in memory
          ? request(dmabroker_params_v1, PARAMS, 'set_buffer', hi(memory.size), lo(memory.size))
          : request(
              dmabroker_params_v1,
              PARAMS,
              'set_image',
              memory.width,
              memory.height,
              memory.format,
            );
      const release = Buffer.concat([
        request(dmabroker_buffer_v1, before, 'release'),
        request(dmabroker_buffer_v1, before, 'destroy'),
      ]);
      return [
        done(id),
        ...(nth === 0 ? [] : [release]),
        request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS),
        set,
        request(dmabroker_params_v1, PARAMS, 'set_handle_types', handleType),
        request(dmabroker_params_v1, PARAMS, 'create', id),
        request(dmabroker_params_v1, PARAMS, 'destroy'),
      ];
    }
  }
}

export interface Plan {
  readonly connections: number;
  /** Of each connection: not measured, and measured. */
  readonly warmUp: number;
  readonly requests: number;
}

/** Writes the file that load.c reads. */
export function writeScript(path: string, kind: Kind, plan: Plan): void {
  const { connections, warmUp, requests } = plan;
  const parts: Buffer[] = [words(connections, warmUp)];
  const add = (connection: number, end: End, ...messages: Buffer[]) => {
    const bytes = Buffer.concat(messages);
    parts.push(words(connection, end.object, end.opcode, bytes.length), bytes);
  };
  const all = warmUp + requests;
  for (let connection = 0; connection < connections; connection++) {
    add(connection, deleted, handshake());
    for (let nth = 0; nth < all; nth++) add(connection, ...turn(kind, connection, nth, all));
  }
  writeFileSync(path, Buffer.concat(parts));
}

/** Gets as far as a bound manager. */
function handshake(): Buffer {
  const target = { interface: dmabroker_manager_v1.name, version: 1, id: MANAGER };
  return Buffer.concat([
    request(wl_display, DISPLAY, 'get_registry', REGISTRY),
    request(wl_registry, REGISTRY, 'bind', 1, target),
    request(wl_display, DISPLAY, 'sync', object(0)),
  ]);
}

/** Writes the file that crowd.c reads: a connection that gets and keeps so many memfds of 4 KiB. */
export function writeHolding(path: string, buffers: number): void {
  const { memfd } = dmabroker_manager_v1.enums.handle_type;
  const records = Array.from({ length: buffers }, (_, nth) =>
    Buffer.concat([
      request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS),
      request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096),
      request(dmabroker_params_v1, PARAMS, 'set_handle_types', memfd),
      request(dmabroker_params_v1, PARAMS, 'create', PARAMS + 1 + nth),
      request(dmabroker_params_v1, PARAMS, 'destroy'),
    ]),
  );
  const parts = [handshake(), ...records].flatMap((bytes) => [words(bytes.length), bytes]);
  writeFileSync(path, Buffer.concat(parts));
}

/** Writes the file that meet.c reads; a token of the daemon's, of which only the length is looked at. */
export function writeMeeting(path: string, token: string): void {
  const { memfd } = dmabroker_manager_v1.enums.handle_type;
  const [buffer, share] = [object(0), PARAMS + 1];
  const shared = eventOpcode(dmabroker_share_v1, 'token');
  const redeem = request(dmabroker_manager_v1, MANAGER, 'redeem', buffer, token);
  const parts: Buffer[] = [];
  const add = (connection: number, end: End, tokenAt: number, ...messages: Buffer[]) => {
    const bytes = Buffer.concat(messages);
    parts.push(words(connection, end.object, end.opcode, tokenAt, bytes.length), bytes);
  };
  for (const connection of [0, 1]) add(connection, deleted, 0, handshake());
  add(
    ...([0, done(buffer), 0] as const),
    request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS),
    request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096),
    request(dmabroker_params_v1, PARAMS, 'set_handle_types', memfd),
    request(dmabroker_params_v1, PARAMS, 'create', buffer),
    request(dmabroker_params_v1, PARAMS, 'destroy'),
  );
  add(
    ...([0, { object: share, opcode: shared }, 0] as const),
    request(dmabroker_buffer_v1, buffer, 'share', share, 1, ANY_UID, 0, 0),
  );
  add(1, done(buffer), redeem.indexOf(token), redeem);
  add(1, deleted, 0, request(dmabroker_buffer_v1, buffer, 'destroy'));
  add(
    ...([0, deleted, 0] as const),
    request(dmabroker_share_v1, share, 'destroy'),
    request(dmabroker_buffer_v1, buffer, 'release'),
    request(dmabroker_buffer_v1, buffer, 'destroy'),
  );
  writeFileSync(path, Buffer.concat(parts));
}

const words = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer);
