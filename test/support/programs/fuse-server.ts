/**
 * A FUSE file system (Documentation/filesystems/fuse.rst, include/uapi/linux/fuse.h) of one file, `file`,
 * whose server answers what it likes: what it was told to hold is answered only when it is let go.
 * Commands come over IPC: `{ hold: ['FLUSH', …] }`, and `'letGo'`; each is answered when it is done.
 */
import { closeSync, openSync, read, writeSync } from 'node:fs';
import { Arena } from '../../../src/native/arena.js';
import { callInt, lastErrno, symbol } from '../../../src/native/ffi.js';
import { SystemError } from '../../../src/native/libc/errno.js';

const OPCODES = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  OPEN: 14,
  READ: 15,
  STATFS: 17,
  RELEASE: 18,
  FLUSH: 25,
  INIT: 26,
  INTERRUPT: 36,
  POLL: 40,
  BATCH_FORGET: 42,
  LSEEK: 46,
} as const;
export type Held = keyof typeof OPCODES;

/** struct fuse_in_header; fuse_out_header. */
const IN_HEADER = 40;
const OUT_HEADER = 16;
/** struct fuse_attr. */
const ATTR = 88;
const FILE = 2n;
const FILE_SIZE = 4096n;
const ENOSYS = 38;
/** FUSE_MIN_READ_BUFFER is 8192; with a page for what is written. */
const buffer = Buffer.alloc(16_384);

const [folder = ''] = process.argv.slice(2);
const device = openSync('/dev/fuse', 'r+');
const arena = new Arena();
const options = `fd=${device},rootmode=40000,user_id=0,group_id=0,allow_other`;
const mounted = callInt(
  symbol('mount'),
  arena.string('dmabroker-test'),
  arena.string(folder),
  arena.string('fuse'),
  0,
  arena.string(options),
);
if (mounted < 0) throw new SystemError('mount', lastErrno(), folder);

const held = new Set<number>();
const waiting: { opcode: number; unique: bigint }[] = [];

function reply(unique: bigint, body: Buffer, error = 0): void {
  const header = Buffer.alloc(OUT_HEADER);
  header.writeUInt32LE(OUT_HEADER + body.length, 0);
  header.writeInt32LE(-error, 4);
  header.writeBigUInt64LE(unique, 8);
  try {
    writeSync(device, Buffer.concat([header, body]));
  } catch {
    // Whoever asked has been killed.
  }
}

function attributes(node: bigint): Buffer {
  const attr = Buffer.alloc(ATTR);
  attr.writeBigUInt64LE(node, 0);
  attr.writeBigUInt64LE(node === FILE ? FILE_SIZE : 0n, 8);
  attr.writeUInt32LE(node === FILE ? 0o100666 : 0o40777, 60);
  attr.writeUInt32LE(1, 64);
  attr.writeUInt32LE(4096, 80);
  return attr;
}

function answer(opcode: number, unique: bigint, node: bigint): void {
  switch (opcode) {
    case OPCODES.INIT: {
      const init = Buffer.alloc(64);
      init.writeUInt32LE(7, 0);
      init.writeUInt32LE(31, 4);
      init.writeUInt32LE(4096, 20); // max_write
      reply(unique, init);
      break;
    }
    case OPCODES.LOOKUP: {
      const entry = Buffer.alloc(40);
      entry.writeBigUInt64LE(FILE, 0);
      reply(unique, Buffer.concat([entry, attributes(FILE)]));
      break;
    }
    case OPCODES.GETATTR:
      reply(unique, Buffer.concat([Buffer.alloc(16), attributes(node)]));
      break;
    case OPCODES.OPEN:
      reply(unique, Buffer.alloc(16));
      break;
    case OPCODES.READ:
      reply(unique, Buffer.alloc(Number(FILE_SIZE)));
      break;
    case OPCODES.STATFS:
      reply(unique, Buffer.alloc(80));
      break;
    case OPCODES.FLUSH:
    case OPCODES.RELEASE:
      reply(unique, Buffer.alloc(0));
      break;
    case OPCODES.FORGET:
    case OPCODES.BATCH_FORGET:
    case OPCODES.INTERRUPT:
      break; // No reply.
    default:
      reply(unique, Buffer.alloc(0), ENOSYS);
  }
}

function next(): void {
  read(device, buffer, 0, buffer.length, null, (error, size) => {
    if (error !== null || size < IN_HEADER) process.exit(0); // Unmounted.
    const opcode = buffer.readUInt32LE(4);
    const unique = buffer.readBigUInt64LE(8);
    const node = buffer.readBigUInt64LE(16);
    if (held.has(opcode)) {
      waiting.push({ opcode, unique });
      process.send?.({ held: opcode });
    } else answer(opcode, unique, node);
    next();
  });
}

process.on('message', (command: { hold: readonly Held[] } | 'letGo') => {
  if (command === 'letGo') {
    held.clear();
    for (const { opcode, unique } of waiting.splice(0)) answer(opcode, unique, FILE);
  } else for (const name of command.hold) held.add(OPCODES[name]);
  process.send?.('done');
});
process.on('disconnect', () => {
  closeSync(device);
  process.exit(0);
});
next();
process.send?.('mounted');
