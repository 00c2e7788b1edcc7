/**
 * The service manager's socket for those who must not wait for it (sd_notify(3)): messages with file
 * descriptors, sent where there is room for them and else not. systemd.ts is for what may be waited for.
 *
 * Owns: a socket, and an address for as long as that.
 */
import { MAX_FDS } from '../memory/limits.js';
import { type Address, addressOf, callInt, callLong, lastErrno, shim, symbol } from './ffi.js';
import { check, EAGAIN, SystemError } from './libc/errno.js';
import { close } from './libc/fd.js';
import { unread } from './libc/socket.js';
import { managerAddress } from './systemd.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const sendFn = shim.symbol('dmab_send');

/** States are short: names and numbers. */
const MAX_STATE_BYTES = 512;

export class NotifySocket {
  readonly #fds = new Int32Array(MAX_FDS);
  readonly #fdsAddress: Address = addressOf(new Uint8Array(this.#fds.buffer));
  readonly #bytes = Buffer.alloc(MAX_STATE_BYTES);
  readonly #bytesAddress: Address = addressOf(this.#bytes);

  private constructor(readonly fd: number) {}

  /** Connects; the manager need not read. Throws SystemError where there is none. */
  static open(path: string): NotifySocket {
    const address = managerAddress(path);
    const flags = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = callInt(symbol('socket'), AF_UNIX, flags, 0);
    if (fd < 0) throw new SystemError('socket', lastErrno());
    if (callInt(symbol('connect'), fd, addressOf(address), address.length) < 0) {
      const errno = lastErrno();
      close(fd);
      throw new SystemError('connect', errno, 'NOTIFY_SOCKET');
    }
    return new NotifySocket(fd);
  }

  /** Returns false where it has no room now. The fds stay the caller's: the message has references. */
  send(state: string, fds: readonly number[] = []): boolean {
    const length = this.#bytes.write(state, 'utf8');
    this.#fds.set(fds);
    const sent = callLong(
      sendFn,
      this.fd,
      this.#bytesAddress,
      length,
      this.#fdsAddress,
      fds.length,
    );
    if (sent === -EAGAIN) return false;
    check('sendmsg', sent);
    return true;
  }

  /** Whether the manager has not read all that was sent. */
  get unread(): boolean {
    return unread(this.fd) > 0;
  }

  close(): void {
    close(this.fd);
  }
}
