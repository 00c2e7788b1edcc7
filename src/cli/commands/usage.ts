/** Who has how much, over all buffers, and who waits for memory: `dmabrokerctl ps`, `users`, `cgroups`, `waiting`. */
import type { CgroupInfo, Processes, UserInfo, WaitingAllocation } from '../../rest/contract.js';
import { CGROUPS, PROCESSES, USERS, WAITING } from '../columns.js';
import type { MakeCommand } from '../command.js';
import { listing } from '../listing.js';
import { number, user } from '../numbers.js';

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
  listing(
    program.command('waiting').description('allocations that wait for memory, the next one first'),
    { columns: WAITING, none: 'nothing waits' },
    (rest) => rest.get<WaitingAllocation[]>('/v1/waiting'),
  );
};
