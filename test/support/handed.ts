/** File descriptors handed to a program as a service manager does it (sd_listen_fds(3)). */
import { callInt, symbol } from '../../src/native/ffi.js';
import { close } from '../../src/native/libc/fd.js';

const F_DUPFD = 0;
/** Above what a program is given: nothing is moved onto what is still to be moved. */
const ASIDE = 64;

/**
 * A wrapper that gives the program which it starts copies of these as 3, 4, …; and what gives the copies up again, once
 * it has been started.
 */
export function handing(fds: readonly number[], names?: readonly string[]) {
  // Not CLOEXEC: bash is to inherit them.
  const copies = fds.map((fd) => callInt(symbol('fcntl'), fd, F_DUPFD, ASIDE));
  const moves = copies.map((copy, index) => `exec ${3 + index}<&${copy} ${copy}<&-`);
  const variables = [
    `LISTEN_PID=$$ LISTEN_FDS=${fds.length}`,
    ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names.join(':')}`]),
  ];
  const script = [...moves, `export ${variables.join(' ')}`, 'exec "$@"'].join('\n');
  return {
    wrapper: ['bash', '-c', script, 'bash'],
    givenUp: () => {
      for (const copy of copies) close(copy);
    },
  };
}
