/**
 * What can be wrong on a machine, in the order in which one thing needs another: the service, its configuration, the
 * daemon's health, memory, who sees whom, who may use it. Each check looks, and says what it found.
 */
import type {
  ConfigReport,
  DeviceReport,
  Health,
  Processes,
  SourceInfo,
  Whoami,
} from '../../rest/contract.js';
import { Failure, Refused } from '../failure.js';
import type { UnitState } from '../service.js';
import { type Finding, good, note, wrong } from './finding.js';
import type { Machine } from './machine.js';

type Check = (machine: Machine) => Promise<Finding[]> | Finding[];

/** Who connects and allocates; who administrates (docs/policy.md, by default). */
const CLIENTS = 'dmabroker';
const ADMINS = 'dmabroker-admin';
/** The daemon's user, in whose groups devices are. */
const DAEMON = 'dmabroker';
/** EXIT_CONFIG of dmabrokerd(8). */
const EXIT_CONFIG = 2;
/** One fd for each plane of each buffer and each client. */
const ENOUGH_FDS = 65_536;
const UDMABUF_LIMIT = '/sys/module/udmabuf/parameters/size_limit_mb';
/** Below it a 4K frame of 16 bits a channel does not fit, or a model's weights. */
const ENOUGH_UDMABUF_MB = 1024;

/** Everything that was found; where the daemon cannot be asked, what can be seen without it. */
export async function examine(machine: Machine): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const check of [service, configuration]) found.push(...(await check(machine)));
  const { reached, findings } = await daemon(machine);
  found.push(...findings);
  const rest = reached ? [loaded, clientsSocket, readiness, memory, sight, rights] : [];
  for (const check of [...rest, limits, members, pressure]) found.push(...(await check(machine)));
  return found;
}

const service: Check = ({ service }) => {
  if (service === null) return [];
  const state = service.state();
  const about = 'service';
  switch (state.LoadState) {
    case 'loaded':
      break;
    case '':
      return [note(about, 'systemd does not run here; the daemon is started by hand')];
    case 'masked':
      return [wrong(about, 'it is masked', service.command('unmask'))];
    default: {
      const whose = service.ofUser ? 'in your session' : 'on this machine';
      return [note(about, `systemd has no unit dmabrokerd ${whose}: the package is not installed`)];
    }
  }
  if (state.ActiveState === 'active') {
    return state.UnitFileState === 'disabled'
      ? [note(about, 'it runs, and is not started with the machine', service.command('enable'))]
      : [good(about, 'it runs')];
  }
  if (['activating', 'deactivating', 'reloading'].includes(state.ActiveState)) {
    return [note(about, `it is ${state.ActiveState}: look again`)];
  }
  if (state.ActiveState !== 'failed') {
    return [wrong(about, `it is ${state.ActiveState}`, service.command('enable --now'))];
  }
  const ofConfig = Number(state.ExecMainStatus) === EXIT_CONFIG;
  // What is wrong with the file is said below, and what is to be done.
  if (ofConfig && service.check(state)?.status !== 0) {
    return [wrong(about, 'it has failed: its configuration is wrong', null)];
  }
  const why = service.lastErrors(1).map(sentenceOf).join('') || `status ${state.ExecMainStatus}`;
  // A file that is good by now is not tried by itself, and ten starts have ended the sockets.
  const mend = ofConfig ? 'dmabrokerctl restart' : service.command('restart');
  return [wrong(about, `it has failed: ${why}`, mend)];
};

/** A line of the log is JSON, what comes before the log is not. */
function sentenceOf(line: string): string {
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg ?? line);
  } catch {
    return line;
  }
}

const configuration: Check = ({ service }) => {
  const state = service?.state();
  if (service === null || state?.LoadState !== 'loaded') return [];
  const checked = service.check(state);
  if (checked === null) return [wrong('configuration', `${state.ExecStart} is not there`)];
  const said = `${checked.stdout}${checked.stderr}`.trim();
  if (checked.status === 0) return [good('configuration', said)];
  // What is the daemon's alone, such as its tokens, others cannot judge.
  return /\bEACCES\b/.test(said)
    ? [note('configuration', `you cannot check it: ${said}`, 'sudo dmabrokerctl doctor')]
    : [wrong('configuration', said, 'mend the file, then: dmabrokerctl restart')];
};

async function daemon({ rest, version, service, user }: Machine) {
  const about = 'daemon';
  try {
    const health = await rest.get<Health>('/healthz');
    const findings = health.warnings.map((warning) => note(about, warning));
    if (health.version !== version) {
      const text = `it is ${health.version}, and what is installed ${version}`;
      findings.push(note(about, text, 'dmabrokerctl restart'));
    }
    return { reached: true, findings: [good(about, `${health.version} answers`), ...findings] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [sentence = ''] = error.message.split('\n', 1);
    const runs = service?.state().ActiveState === 'active';
    const mend = /you may not connect/.test(sentence)
      ? `usermod -aG ${CLIENTS} ${user.name}, then log in anew`
      : runs
        ? 'dmabrokerctl restart'
        : null;
    return { reached: false, findings: [wrong(about, sentence, mend)] };
  }
}

/** REST answers, and clients find nobody: their socket's file was removed. */
const clientsSocket: Check = async ({ rest, exists, service }) => {
  const report = await asked(rest.get<ConfigReport>('/v1/config'));
  if (report instanceof Refused || service === null) return [];
  const path = report.settings.find(({ key }) => key === 'clients.socket')?.value;
  if (typeof path !== 'string' || exists(path)) return [];
  return [wrong('daemon', `the clients' socket ${path} is not there`, 'dmabrokerctl restart')];
};

/** What only an administrator sees is left out for others. */
async function asked<T>(answer: Promise<T>): Promise<T | Refused> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

const loaded: Check = async ({ rest, service }) => {
  const report = await asked(rest.get<ConfigReport>('/v1/config'));
  if (report instanceof Refused) return [];
  const found: Finding[] = [];
  const about = 'configuration';
  if (report.error !== null) {
    found.push(
      wrong(about, `the last reload was refused: ${report.error}`, service?.command('reload')),
    );
  }
  const later = report.settings.filter(({ after_restart }) => after_restart !== null);
  if (later.length > 0) {
    const keys = later.map(({ key }) => key).join(', ');
    found.push(note(about, `${keys} will be otherwise after a restart`, 'dmabrokerctl restart'));
  }
  return found;
};

const readiness: Check = async ({ rest }) => {
  const ready = await asked(rest.get<unknown>('/readyz'));
  return ready instanceof Refused ? [wrong('daemon', ready.problem.detail)] : [];
};

const memory: Check = async (machine) => {
  const report = await asked(machine.rest.get<DeviceReport>('/v1/device'));
  if (report instanceof Refused) return [];
  const exporters = report.sources.filter(({ handle_type }) => handle_type === 'dma_buf');
  const usable = exporters.filter((source) => source.usable).map(({ name }) => name);
  const of = usable.length > 0 || machine.service?.ofUser === true ? note : wrong;
  return [
    usable.length > 0
      ? good('memory', `dma_bufs of ${usable.join(', ')}`)
      : of('memory', 'no dma_buf can be had: dmabrokerd --probe says why of each source'),
    ...exporters
      // Whoever has no NVIDIA GPU lacks nothing.
      .filter(({ name, reason }) => name !== 'cuda' || !/is not installed/.test(reason))
      .filter((source) => !source.usable)
      .map((source) => of('memory', `${source.name}: ${source.reason}`, cure(source, machine))),
    ...udmabufLimit(usable, machine),
  ];
};

/** By what the source said of itself (src/native/sources), and what of it is on the machine. */
function cure(
  { name, reason }: Pick<SourceInfo, 'name' | 'reason'>,
  machine: Machine,
): string | null {
  // A daemon of one's own has the devices that one may open.
  if (machine.service?.ofUser === true) return null;
  if (/no Vulkan (driver|loader)|libvulkan/.test(reason ?? '')) {
    return 'apt install libvulkan1 mesa-vulkan-drivers && dmabrokerctl restart';
  }
  if (name === 'udmabuf') {
    if (!machine.exists('/dev/udmabuf')) {
      return 'modprobe udmabuf && echo udmabuf >/etc/modules-load.d/udmabuf.conf && dmabrokerctl restart';
    }
    return /EACCES|EPERM/.test(reason ?? '')
      ? `usermod -aG kvm ${DAEMON} && dmabrokerctl restart`
      : null;
  }
  const denied = name.startsWith('dma-heap') && /EACCES|EPERM/.test(reason ?? '');
  return denied
    ? 'udevadm trigger --settle --subsystem-match=dma_heap && dmabrokerctl restart'
    : null;
}

function udmabufLimit(usable: readonly string[], { read }: Machine): Finding[] {
  const megabytes = Number(read(UDMABUF_LIMIT) ?? Number.NaN);
  if (!usable.some((name) => /udmabuf|vulkan/.test(name)) || !(megabytes < ENOUGH_UDMABUF_MB))
    return [];
  const text = `a buffer of udmabuf, and of lavapipe, has ${megabytes} MiB at most`;
  const mend = `echo 'options udmabuf size_limit_mb=4096' >/etc/modprobe.d/udmabuf.conf; echo 4096 >${UDMABUF_LIMIT}`;
  return [note('memory', text, mend)];
}

const HOLDERS = 'dmabroker-holders.socket';

const sight: Check = async ({ rest, service }) => {
  // Of a daemon of one's own nobody else's processes are to be seen.
  if (service?.ofUser === true) return [];
  const report = await asked(rest.get<Processes>('/v1/processes'));
  // Who sees their own alone is not told what cannot be read.
  if (report instanceof Refused || /not shown/.test(report.missing ?? '')) return [];
  if (report.unreadable === 0) return [good('holders', 'every process is seen')];
  const text = `${report.unreadable} processes of other users cannot be read`;
  const { LoadState, ActiveState } = service?.state(HOLDERS) ?? { LoadState: '', ActiveState: '' };
  if (LoadState === 'masked') {
    return [note('holders', `${text}: ${HOLDERS} is masked`, `systemctl unmask --now ${HOLDERS}`)];
  }
  if (LoadState !== 'loaded') return [note('holders', `${text}: there is no ${HOLDERS}`)];
  const why = ActiveState === 'active' ? 'does not answer' : `is ${ActiveState}`;
  return [note('holders', `${text}: ${HOLDERS} ${why}`, `systemctl restart ${HOLDERS}`)];
};

const rights: Check = async ({ rest, user, gids, members, gidOf }) => {
  const who = await asked(rest.get<Whoami>('/v1/whoami'));
  if (who instanceof Refused) return [];
  const over = who.role === 'none' ? 'see what is yours' : `are ${who.role}`;
  if (who.connect) return [good('you', `you may connect, and ${over} over REST`)];
  const gid = gidOf(CLIENTS);
  const isMember = members(CLIENTS)?.includes(user.name) === true;
  // Groups are a process's own, from its login on (credentials(7)).
  if (isMember && gid !== null && !gids.includes(gid)) {
    const text = `you are in the group ${CLIENTS}, and were not when you logged in`;
    return [wrong('you', text, `log out and in again, or: newgrp ${CLIENTS}`)];
  }
  return [wrong('you', 'you may not connect', `usermod -aG ${CLIENTS} ${user.name}`)];
};

const limits: Check = ({ service }) => {
  const { LimitNOFILE = '' } = (service?.state() ?? {}) as Partial<UnitState>;
  const fds = Number(LimitNOFILE);
  if (LimitNOFILE === '' || Number.isNaN(fds) || fds >= ENOUGH_FDS) return [];
  const text = `its unit has ${fds} file descriptors (LimitNOFILE=), of which each buffer takes some`;
  return [note('service', text, service?.command('edit') ?? null)];
};

const members: Check = ({ members, service }) => {
  if (service === null || service.ofUser || service.state().LoadState !== 'loaded') return [];
  return [CLIENTS, ADMINS].flatMap((group) => {
    const names = members(group);
    if (names === null)
      return [note('users', `there is no group ${group}`, `groupadd --system ${group}`)];
    return names.length > 0
      ? []
      : [note('users', `nobody is in the group ${group}`, `usermod -aG ${group} USER`)];
  });
};

const pressure: Check = ({ exists }) =>
  exists('/proc/pressure/memory')
    ? []
    : [note('memory', 'the kernel does not tell when memory is short: start it with psi=1')];
