/** Touches memory that is gone, after a guarded copy has found it gone: ends by SIGBUS. */
import { ftruncateSync } from 'node:fs';
import { callInt, symbol, transientString } from '../../../src/native/ffi.js';
import { copyBytes } from '../../../src/native/guarded.js';
import { map } from '../../../src/native/libc/memory.js';

const fd = callInt(symbol('memfd_create'), transientString('fragile'), 1);
ftruncateSync(fd, 4096);
const { bytes } = map(fd, 4096, { write: true });
ftruncateSync(fd, 0);
try {
  copyBytes(Buffer.alloc(4096), bytes);
} catch {
  bytes[0] = 1;
}
