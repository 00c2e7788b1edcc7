/** The daemon's unit of systemd, the machine's or the user's: what it is doing, and what it is started with. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

export const UNIT = 'dmabrokerd.service';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A start may wait for a device; nothing else takes long. */
const LIMIT_MS = 100_000;

/** Runs a program to its end, which comes in time; null where it is not there. */
export type RunProgram = (program: string, ...args: string[]) => Ran | null;

export const runProgram: RunProgram = (program, ...args) => {
  const options = { encoding: 'utf8', timeout: LIMIT_MS } as const;
  const { error, status, stdout, stderr } = spawnSync(program, args, options);
  const isMissing = error !== undefined && 'code' in error && error.code === 'ENOENT';
  return isMissing ? null : { status, stdout: stdout ?? '', stderr: stderr ?? '' };
};

/** What systemctl(1) says of the unit; all are empty where systemd does not manage this machine. */
export interface UnitState {
  /** `loaded`, `not-found`, … */
  readonly LoadState: string;
  /** `active`, `failed`, … */
  readonly ActiveState: string;
  /** `enabled`, `disabled`, … */
  readonly UnitFileState: string;
  readonly ExecMainStatus: string;
  readonly LimitNOFILE: string;
  readonly ExecStart: string;
  /** Whom it runs as; empty: as the manager. */
  readonly User: string;
}

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'ExecMainStatus',
  'LimitNOFILE',
  'ExecStart',
  'User',
] as const satisfies readonly (keyof UnitState)[];

export class Service {
  constructor(
    /** The user's own. */
    readonly ofUser: boolean,
    private readonly run: RunProgram = runProgram,
  ) {}

  /**
   * The daemon that is asked at a socket: the user's own is in XDG_RUNTIME_DIR. That may be another user's (su(1)), whose
   * service manager is not to say what is run here.
   */
  static at(socketPath: string, env: NodeJS.ProcessEnv, run?: RunProgram): Service {
    const folder = env.XDG_RUNTIME_DIR;
    const isOfUser = folder !== undefined && folder !== '' && isBelow(socketPath, folder);
    return new Service(isOfUser && isOwn(folder), run);
  }

  /** How people write it. */
  command(what: string): string {
    return ['systemctl', ...this.#user, what, UNIT.replace('.service', '')].join(' ');
  }

  get #user(): string[] {
    return this.ofUser ? ['--user'] : [];
  }

  state(unit = UNIT): UnitState {
    const asked = ['show', ...this.#user, `--property=${PROPERTIES.join()}`, unit];
    const lines = this.run('systemctl', ...asked)?.stdout.split('\n') ?? [];
    const values = new Map(lines.map((line) => [line.split('=', 1)[0], line]));
    const textOf = (name: string) => values.get(name)?.slice(name.length + 1) ?? '';
    return Object.fromEntries(
      PROPERTIES.map((name) => [name, textOf(name)]),
    ) as unknown as UnitState;
  }

  /** Somebody wants it: how often it has died before does not count (StartLimitBurst=). */
  restart(): Ran | null {
    this.run('systemctl', 'reset-failed', ...this.#user, UNIT);
    return this.run('systemctl', 'restart', ...this.#user, UNIT);
  }

  /** The last errors that the journal has of it. */
  lastErrors(count: number): string[] {
    const unit = this.ofUser ? '--user-unit' : '--unit';
    const asked = [`${unit}=${UNIT}`, '--priority=err', `--lines=${count}`, '--output=cat'];
    const ran = this.run('journalctl', '--no-pager', '--quiet', ...asked);
    return ran?.stdout.split('\n').filter((line) => line !== '') ?? [];
  }

  /** Whether what the unit starts has a good configuration, and what is wrong with it. */
  check({ ExecStart, User }: UnitState): Ran | null {
    const [, program] = /\bpath=(\S+) ;/.exec(ExecStart) ?? [];
    const [, ...args] = argvOf(ExecStart);
    if (program === undefined) return null;
    // Whoever may not read it as the daemon's user, would not start with it; as postinst has it.
    const asUser = User !== '' && process.getuid?.() === 0 ? ['runuser', '-u', User, '--'] : [];
    const [first = program, ...rest] = [...asUser, program, ...args, '--check'];
    return this.run(first, ...rest);
  }
}

function isOwn(folder: string): boolean {
  try {
    return statSync(folder).uid === process.getuid?.();
  } catch {
    return false;
  }
}

const isBelow = (path: string, folder: string) => path.startsWith(`${folder.replace(/\/+$/, '')}/`);

/** The command of `ExecStart`, as `systemctl show` has it: its words have no spaces. */
export function argvOf(execStart: string): string[] {
  const [, argv = ''] = /argv\[\]=(.*?) ;/.exec(execStart) ?? [];
  return argv.split(' ').filter((word) => word !== '');
}
