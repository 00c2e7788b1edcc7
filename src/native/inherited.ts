/**
 * File descriptors that the service manager hands over (sd_listen_fds(3)): sockets that it listens on for the daemon,
 * and what it has kept of an earlier one. To be taken before anything else is started: until then a child would
 * inherit them.
 *
 * Owns nothing: every fd that is returned is the caller's, open and CLOEXEC.
 */
import { isSystemError } from './libc/errno.js';
import { setCloexec } from './libc/fd.js';

export interface Inherited {
  /** As the manager has it (FileDescriptorName=, FDNAME=); `unknown` where it says none. */
  readonly name: string;
  readonly fd: number;
}

export interface Handed {
  readonly fds: readonly Inherited[];
  /** What was wrong with what the manager said, in sentences. */
  readonly problems: readonly string[];
}

/** SD_LISTEN_FDS_START: after standard input, output and error. */
const FIRST_FD = 3;
/** More than any manager keeps: a number that is larger is none. */
const MAX_FDS = 65_536;
/** libsystemd's word for one without a name. */
const UNNAMED = 'unknown';
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;

/** Takes them over, and the variables out of `env`: no child is to think that they are its own. */
export function takeInherited(env: NodeJS.ProcessEnv = process.env, pid = process.pid): Handed {
  const { LISTEN_PID: whose, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env;
  for (const variable of VARIABLES) delete env[variable];
  if (whose === undefined || count === undefined) return { fds: [], problems: [] };
  // Inherited by whoever starts this from a service's shell: they are not this process's.
  if (whose !== `${pid}`) return { fds: [], problems: [] };
  const number = /^\d{1,5}$/.test(count) ? Number(count) : Number.NaN;
  if (!(number <= MAX_FDS)) {
    return { fds: [], problems: [`LISTEN_FDS is no number of descriptors: ${count.slice(0, 20)}`] };
  }
  return named(number, names);
}

function named(count: number, text: string | undefined): Handed {
  const problems: string[] = [];
  const given = text === undefined ? [] : text.split(':');
  // Which of them is missing, nobody knows.
  const fits = given.length === count;
  if (text !== undefined && count > 0 && !fits) {
    problems.push(
      `LISTEN_FDNAMES has ${given.length} names for ${count} descriptors: none is used`,
    );
  }
  const fds: Inherited[] = [];
  for (let index = 0; index < count; index++) {
    const fd = FIRST_FD + index;
    try {
      setCloexec(fd);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      problems.push(`descriptor ${fd} of LISTEN_FDS=${count} is not there (${error.code})`);
      continue;
    }
    fds.push({ name: (fits && given[index]) || UNNAMED, fd });
  }
  return { fds, problems };
}
