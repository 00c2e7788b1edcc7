/** Columns that several commands show; those at the end go first where there is no room. */
import type {
  BufferInfo,
  CgroupInfo,
  ProcessUse,
  UserInfo,
  WaitingAllocation,
} from '../rest/contract.js';
import { contents, placeText, processText } from './describe.js';
import { age, bytes } from './printable.js';
import type { Columns } from './table.js';

export const BUFFERS: Columns<BufferInfo> = [
  ['NAME', (buffer) => buffer.name],
  ['ID', (buffer) => buffer.id, 'long id'],
  ['SIZE', (buffer) => bytes(buffer.size)],
  ['STATE', (buffer) => buffer.state],
  ['OWNER', (buffer, names) => processText(buffer.owner, names)],
  ['AGE', (buffer) => age(buffer.created_at)],
  ['CONTENTS', contents],
  ['RECIPIENTS', (buffer) => buffer.recipients.length],
  ['HANDLE', (buffer) => buffer.handle_type],
  ['UNIT', (buffer) => placeText(buffer.owner)],
];

export const USERS: Columns<UserInfo> = [
  ['USER', (user) => user.name],
  ['UID', (user) => user.uid],
  ['MEMORY', ({ charge }) => bytes(charge.bytes)],
  ['LIMIT', ({ limits }) => (limits.bytes === null ? null : bytes(limits.bytes))],
  ['BUFFERS', ({ charge }) => charge.buffers],
  ['FDS', ({ charge }) => charge.fds],
  ['RECALLED', ({ recalled }) => recalled.length],
  ['OVER', ({ over_limit }) => (over_limit ? 'yes' : '')],
];

export const PROCESSES: Columns<ProcessUse> = [
  ['PID', ({ pid }) => pid, 'id'],
  ['PROCESS', ({ executable }) => executable],
  ['USER', ({ uid }, names) => names.user(uid)],
  ['MEMORY', (process) => bytes(process.bytes)],
  ['PSS', (process) => bytes(process.pss_bytes)],
  ['BUFFERS', ({ buffers }) => buffers],
  ['FDS', ({ fds }) => fds],
  ['MAPPINGS', ({ mappings }) => mappings],
  ['UNIT', placeText],
  ['CLIENT', ({ clients }) => clients],
  ['AGE', ({ started_at }) => age(started_at)],
];

export const WAITING: Columns<WaitingAllocation> = [
  ['PLACE', ({ place }) => place, 'id'],
  ['NAME', ({ name }) => name],
  ['MEMORY', (waiting) => bytes(waiting.bytes)],
  ['BUFFERS', ({ count }) => count],
  ['OWNER', (waiting, names) => processText(waiting, names)],
  ['SINCE', ({ since }) => age(since)],
  ['DEADLINE', ({ deadline }) => deadline],
  ['FOR', ({ constraint }) => constraint ?? 'its turn'],
];

export const CGROUPS: Columns<CgroupInfo> = [
  ['CGROUP', ({ path }) => path],
  ['USER', ({ uid }, names) => names.user(uid)],
  ['MEMORY', ({ charge }) => bytes(charge.bytes)],
  ['LIMIT', ({ limits }) => (limits.bytes === null ? null : bytes(limits.bytes))],
  ['BUFFERS', ({ charge }) => charge.buffers],
  ['FDS', ({ charge }) => charge.fds],
  ['OVER', ({ over_limit }) => (over_limit ? 'yes' : '')],
];
