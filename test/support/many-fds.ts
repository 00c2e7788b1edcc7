/** Sends more file descriptors in one message than the code under test ever would. */
import { Arena } from '../../src/native/arena.js';
import { addressOf, callLong, symbol } from '../../src/native/ffi.js';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
// struct cmsghdr, iovec and msghdr of 64-bit Linux (cmsg(3), recvmsg(2))
const CMSG_HEADER = 16;
const IOVEC = 16;
const MSGHDR = 56;

/** sendmsg(2) with `count` times the same fd (at most 253, SCM_MAX_FD). Returns bytes sent. */
export function sendManyFds(socket: number, bytes: Buffer, fd: number, count: number): number {
  const arena = new Arena();
  const { view } = arena;
  const pointer = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  const length = CMSG_HEADER + count * 4;
  const control = arena.reserve(length);
  pointer(control, length);
  view.setInt32(control + 8, SOL_SOCKET, true);
  view.setInt32(control + 12, SCM_RIGHTS, true);
  for (let i = 0; i < count; i++) view.setInt32(control + CMSG_HEADER + i * 4, fd, true);
  const iov = arena.reserve(IOVEC);
  pointer(iov, addressOf(bytes));
  pointer(iov + 8, bytes.length);
  const header = arena.reserve(MSGHDR);
  pointer(header + 16, arena.address + iov);
  pointer(header + 24, 1);
  pointer(header + 32, arena.address + control);
  pointer(header + 40, length);
  return callLong(symbol('sendmsg'), socket, arena.address + header, 0);
}
