/** Who has how much, over all buffers: `dmabrokerctl ps`, `users`, `cgroups`. */
import type { CgroupInfo, Processes, ProcessUse, UserInfo } from '../../rest/contract.js';
import { USERS } from '../columns.js';
import type { MakeCommand } from '../command.js';
import { placeText } from '../describe.js';
import { listing } from '../listing.js';
import { number, user } from '../numbers.js';
import { age, bytes } from '../printable.js';
import type { Columns } from '../table.js';

const PROCESSES: Columns<ProcessUse> = [
  ['PID', ({ pid }) => pid, 'id'],
  ['PROCESS', ({ executable }) => executable],
  ['USER', ({ uid }, names) => names.user(uid)],
  ['MEMORY', (process) => bytes(process.bytes)],
  ['BUFFERS', ({ buffers }) => buffers],
  ['FDS', ({ fds }) => fds],
  ['MAPPINGS', ({ mappings }) => mappings],
  ['UNIT', placeText],
  ['CLIENT', ({ clients }) => clients],
  ['AGE', ({ started_at }) => age(started_at)],
];

const CGROUPS: Columns<CgroupInfo> = [
  ['CGROUP', ({ path }) => path],
  ['USER', ({ uid }, names) => names.user(uid)],
  ['MEMORY', ({ charge }) => bytes(charge.bytes)],
  ['LIMIT', ({ limits }) => (limits.bytes === null ? null : bytes(limits.bytes))],
  ['BUFFERS', ({ charge }) => charge.buffers],
  ['FDS', ({ charge }) => charge.fds],
  ['OVER', ({ over_limit }) => (over_limit ? 'yes' : '')],
];

export const usageCommands: MakeCommand = (program) => {
  listing(
    program
      .command('ps')
      .description('processes that have memory of buffers, and how much over all buffers')
      .option('--pid <pid>', 'only this process', number)
      .option('--uid <user>', 'only processes of this user, by name or number', user),
    { columns: PROCESSES, none: 'no process that can be seen has any' },
    async (rest, { pid, uid }: { pid?: number; uid?: number }) => {
      const query = new URLSearchParams();
      if (pid !== undefined) query.set('pid', String(pid));
      if (uid !== undefined) query.set('uid', String(uid));
      const whole = await rest.get<Processes>(`/v1/processes?${query}`);
      const { processes: items, missing } = whole;
      return { items, whole, note: missing && `not complete: ${missing}` };
    },
  );
  listing(
    program.command('users').description('users that are connected or own something'),
    { columns: USERS, none: 'no users' },
    (rest) => rest.get<UserInfo[]>('/v1/users'),
  );
  listing(
    program.command('cgroups').description('control groups whose processes own something'),
    { columns: CGROUPS, none: 'no control groups' },
    (rest) => rest.get<CgroupInfo[]>('/v1/cgroups'),
  );
};
