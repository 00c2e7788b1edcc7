/**
 * Has a file descriptor where /proc/PID/fd does not show it: `own-table.js FD HOW`. `unshared`: in a thread with a
 * table of its own; `headless`: in a process whose first thread has ended. Says `there` when it is so.
 */
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { callLong, symbol } from '../../../src/native/ffi.js';
import { close } from '../../../src/native/libc/fd.js';

const syscall = symbol('syscall');
/** unshare(2); x86 numbers its calls differently from all others of 64 bits. */
const SYS_unshare = process.arch === 'x64' ? 272 : 97;
/** _exit(2) of the calling thread alone. */
const SYS_exit = process.arch === 'x64' ? 60 : 93;
const CLONE_FILES = 0x400;

const there = () => writeSync(1, 'there\n');

if (isMainThread) {
  const [fd = '', how = ''] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: how });
  worker.once('message', () => {
    if (how === 'unshared') {
      close(Number(fd));
      there();
    } else {
      there();
      callLong(syscall, SYS_exit, 0);
    }
  });
} else {
  if (workerData === 'unshared' && callLong(syscall, SYS_unshare, CLONE_FILES) < 0) {
    throw new Error('no table of its own');
  }
  parentPort?.postMessage(null);
  // For as long as it is not killed.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
