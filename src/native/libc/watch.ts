/**
 * Tells Node's event loop that a socket is readable, without reading from it: libuv reads with
 * read(2), which drops the file descriptors of a message. With the addon libuv polls the socket itself. Without it
 * a small thread of the shim waits in epoll and writes to a pipe that libuv may read.
 *
 * Owns: the pipe. The socket stays the caller's, open until the watch is closed; shutting it down ends a thread.
 */
import { Socket } from 'node:net';
import { addon } from '../door.js';
import { addressOf, callInt, lastErrno, shim, symbol } from '../ffi.js';
import { check, SystemError } from './errno.js';
import { owning } from './fd.js';

const O_CLOEXEC = 0o2000000;

export interface Watch {
  /** While it is ref'ed, the process does not end by itself. */
  ref(): void;
  unref(): void;
  /** Stops calling back. */
  close(): void;
}

/**
 * Calls `readable` after each time that the socket became readable; read until there is nothing more, and close the
 * watch at the end of the stream.
 */
export function watch(fd: number, readable: () => void): Watch {
  return addon?.poll ? polled(addon.poll, fd, readable) : byThread(fd, readable);
}

function polled(
  poll: NonNullable<NonNullable<typeof addon>['poll']>,
  fd: number,
  readable: () => void,
): Watch {
  const control = poll(fd, readable);
  if (typeof control === 'number') throw new SystemError('watch', -control, `fd ${fd}`);
  return { ref: () => control(1), unref: () => control(0), close: () => control(2) };
}

function byThread(fd: number, readable: () => void): Watch {
  const ends = new Int32Array(2);
  if (callInt(symbol('pipe2'), addressOf(new Uint8Array(ends.buffer)), O_CLOEXEC) < 0) {
    throw new SystemError('pipe2', lastErrno());
  }
  const [readEnd, writeEnd] = ends as unknown as [number, number];
  owning(readEnd, () =>
    owning(writeEnd, () => check('watch', callInt(shim.symbol('dmab_watch'), fd, writeEnd))),
  );
  const pipe = new Socket({ fd: readEnd, readable: true, writable: false });
  pipe.on('data', readable);
  // The thread's end closes when the socket hung up: what came before that is still to be read.
  pipe.on('end', readable);
  pipe.on('error', readable);
  return {
    ref: () => void pipe.ref(),
    unref: () => void pipe.unref(),
    close: () => {
      pipe.removeAllListeners('data');
      pipe.removeAllListeners('end');
      pipe.destroy();
    },
  };
}
