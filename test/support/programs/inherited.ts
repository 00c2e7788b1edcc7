/** Says what it was handed: `takeInherited`, whether all are CLOEXEC, and what a child of it sees. */
import { execFileSync } from 'node:child_process';
import { takeInherited } from '../../../src/native/inherited.js';
import { isCloexec } from '../../../src/native/libc/fd.js';

const { fds, problems } = takeInherited();
const child = execFileSync('sh', ['-c', 'ls /proc/self/fd; env'], { encoding: 'utf8' });
console.log(
  JSON.stringify({
    fds: fds.length,
    ends: [fds[0], fds.at(-1)],
    problems,
    cloexec: fds.every(({ fd }) => isCloexec(fd)),
    // 0, 1, 2, and the folder that it reads.
    childFds: child.split('\n').filter((line) => /^\d+$/.test(line)).length,
    childEnv: child.includes('LISTEN_'),
  }),
);
