/**
 * Every message of every interface that the daemon or the client speaks, one made up with every
 * type of argument, and values for them, generated from the arguments' types.
 */
import fc from 'fast-check';
import * as dmabroker from '../../../src/protocol/dmabroker-v1.gen.js';
import * as dmabuf from '../../../src/protocol/linux-dmabuf-v1.gen.js';
import type { Reader } from '../../../src/protocol/reader.js';
import * as wayland from '../../../src/protocol/wayland.gen.js';
import type { Argument, Interface, Message, UntypedNewId } from '../../../src/protocol/wire.js';
import type { Writer } from '../../../src/protocol/writer.js';
import { anyText } from '../../support/any-text.js';

export const interfaces: readonly Interface[] = [dmabroker, dmabuf, wayland].flatMap((protocol) =>
  Object.values(protocol),
);

/** The protocols that we speak use neither `fixed` nor anything that may be null. */
export const everyType: Message = {
  name: 'every_type',
  opcode: 7,
  since: 1,
  destructor: false,
  args: [
    { name: 'int', type: 'int' },
    { name: 'fd', type: 'fd' },
    { name: 'fixed', type: 'fixed' },
    { name: 'text', type: 'string' },
    { name: 'maybe_text', type: 'string', allowNull: true },
    { name: 'array', type: 'array' },
    { name: 'object', type: 'object' },
    { name: 'maybe_object', type: 'object', allowNull: true },
    { name: 'new_id', type: 'new_id', interface: 'x' },
    { name: 'other_fd', type: 'fd' },
    { name: 'untyped', type: 'new_id' },
    { name: 'uint', type: 'uint' },
  ],
  // By hand, as the generator would.
  write: (
    writer: Writer,
    object: number,
    ...values: [
      ...[number, number, number, string, string | null, Uint8Array],
      ...[number, number, number, number, UntypedNewId, number],
    ]
  ) => {
    const [int, fd, fixed, text, maybeText, array, ...others] = values;
    const [object_, maybeObject, newId, otherFd, untyped, uint] = others;
    writer.begin(object);
    writer.uint(int);
    writer.fd(fd);
    writer.uint(fixed);
    writer.string(text);
    writer.string(maybeText);
    writer.array(array);
    for (const value of [object_, maybeObject, newId]) writer.uint(value);
    writer.fd(otherFd);
    writer.untypedNewId(untyped);
    writer.uint(uint);
    writer.end(7);
  },
  read: (r: Reader, to: { every_type(...values: unknown[]): void }) => {
    const first = [r.int(), r.fd(), r.int(), r.string(), r.stringOrNull(), r.array()];
    const objects = [r.objectId('object'), r.uint(), r.newId('new_id')];
    const last = [r.fd(), r.untypedNewId(), r.uint()];
    r.end();
    to.every_type(...first, ...objects, ...last);
  },
};

export const messages: readonly Message[] = [
  ...interfaces.flatMap(({ requests, events }) => [...requests, ...events]),
  everyType,
];

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint = fc.nat(2 ** 32 - 1);
const id = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const MAX_TEXT = 40;
export const text = anyText({ maxLength: MAX_TEXT }).filter(
  (characters) => !characters.includes('\0'),
);

export function value(arg: Argument): fc.Arbitrary<unknown> {
  switch (arg.type) {
    case 'int':
    case 'fixed':
      return int;
    case 'uint':
      return uint;
    case 'fd':
      return fc.nat(1000);
    case 'object':
      return arg.allowNull ? uint : id;
    case 'string':
      return arg.allowNull ? fc.option(text) : text;
    case 'array':
      return fc.uint8Array({ maxLength: MAX_TEXT }).map((bytes) => Buffer.from(bytes));
    case 'new_id':
      if (arg.interface !== undefined) return id;
      return fc.record({ interface: text, version: uint, id: uint });
  }
}

export const valuesOf = (message: Message): fc.Arbitrary<unknown[]> =>
  fc.tuple(...message.args.map(value));
