/**
 * A file's access list beside its mode (acl(5)): users and groups who may read and write it, too. The kernel keeps it
 * in an attribute whose bytes are those of linux/posix_acl_xattr.h.
 */
import { type Address, addressOf, callInt, lastErrno, symbol } from '../ffi.js';
import { ENODATA, EOPNOTSUPP, SystemError } from './errno.js';

const NAME = 'system.posix_acl_access';
const VERSION = 2;
/** linux/posix_acl.h; in the order in which the kernel wants them. */
const Tag = { userObj: 1, user: 2, groupObj: 4, group: 8, mask: 16, other: 32 } as const;
const READ_WRITE = 6;
const NO_ID = 0xffffffff;
const ENTRY_BYTES = 8;

const setxattr = symbol('setxattr');
const removexattr = symbol('removexattr');

export interface Named {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

/**
 * `mode` is the file's own, its group's part what its group itself may: with a list, what stat(2) shows there is the
 * most that anybody named may (acl(5)).
 */
export function aclBytes({ uids, gids }: Named, mode: number): Buffer {
  const sorted = (ids: readonly number[]) => [...new Set(ids)].sort((a, b) => a - b);
  const entries: [tag: number, perm: number, id: number][] = [
    [Tag.userObj, (mode >> 6) & 7, NO_ID],
    ...sorted(uids).map((id): [number, number, number] => [Tag.user, READ_WRITE, id]),
    [Tag.groupObj, (mode >> 3) & 7, NO_ID],
    ...sorted(gids).map((id): [number, number, number] => [Tag.group, READ_WRITE, id]),
    [Tag.mask, READ_WRITE, NO_ID],
    [Tag.other, mode & 7, NO_ID],
  ];
  const bytes = Buffer.alloc(4 + entries.length * ENTRY_BYTES);
  bytes.writeUInt32LE(VERSION);
  for (const [index, [tag, perm, id]] of entries.entries()) {
    const at = 4 + index * ENTRY_BYTES;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(perm, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  }
  return bytes;
}

/** Who is named may read and write the file. Throws SystemError: ENOTSUP where its file system keeps no lists. */
export function allow(path: string, named: Named, mode: number): void {
  const bytes = aclBytes(named, mode);
  const [file, name] = [path, NAME].map((text) => Buffer.from(`${text}\0`)) as [Buffer, Buffer];
  const at = [file, name, bytes].map(addressOf) as [Address, Address, Address];
  if (callInt(setxattr, ...at, bytes.length, 0) === 0) return;
  throw new SystemError('setxattr', lastErrno(), path);
}

/** Nobody but whom its mode lets in: the file has no list any more. */
export function allowNobodyElse(path: string): void {
  const [file, name] = [path, NAME].map((text) => Buffer.from(`${text}\0`)) as [Buffer, Buffer];
  if (callInt(removexattr, addressOf(file), addressOf(name)) === 0) return;
  const errno = lastErrno();
  if (errno !== ENODATA && errno !== EOPNOTSUPP) throw new SystemError('removexattr', errno, path);
}
