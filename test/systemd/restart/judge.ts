/**
 * In the guest, as root, under systemd: the Debian package, clients of two users (load.ts), and a daemon that ends
 * in every way that there is. After each it is asked for what the clients were told of, and for what nobody was.
 * Prints a line of JSON for each end, and for the whole.
 *
 *   node judge.js FOLDER KILLS CLIENTS      FOLDER has old.deb and new.deb; so many clients has each of four processes
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../../bench/support/report.js';
import { fdsOf } from '../../support/fds.js';
import { ask } from '../../support/rest.js';
import type { LoadReport, Told } from './load.js';

const [, , DEBS = '', KILLS = '20', CLIENTS_EACH = '5'] = process.argv;
const CONFIG = '/etc/dmabroker/dmabroker.toml';
/** So many kills are there from one look at what is left over to the next: what is left stays, and it waits for the grace. */
const WHOLE = 10;
const USERS = ['alice', 'alice', 'bob', 'bob'];
const SOCKET = '/run/dmabroker/client.sock';
const REST = '/run/dmabroker/rest.sock';
const DROP_INS = '/run/systemd/system/dmabrokerd.service.d';
/** It ends what hangs, and judges nothing: a busy machine takes its time. */
const PATIENCE_MS = 180_000;
/** A lease's seconds are whole ones on the wire, and more is done between the two looks. */
const LEASE_MS = 10_000;

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
/** The manager may be busy with itself: then it is asked again. */
function systemctl(...args: string[]): string {
  for (let attempt = 1; ; attempt++) {
    try {
      return run('systemctl', ...args);
    } catch (error) {
      if (attempt === 10) throw error;
      execFileSync('sleep', ['0.5']);
    }
  }
}
const show = (what: string) => systemctl('show', '-P', what, 'dmabrokerd');

function dropIn(name: string, text: string): void {
  mkdirSync(DROP_INS, { recursive: true });
  writeFileSync(`${DROP_INS}/${name}.conf`, `[Service]\n${text}\n`);
  systemctl('daemon-reload');
}

/** Its Node is not Debian's; and what an administrator has set stays. */
const install = (version: 'old' | 'new') =>
  run('dpkg', '--force-depends', '--force-confold', '-i', `${DEBS}/${version}.deb`);

function prepare(): void {
  // Exit status 101 would forbid starting services while packages are installed, as in a container.
  rmSync('/usr/sbin/policy-rc.d', { force: true });
  // A driver takes a second to load there: the memory is udmabuf's and the heap's.
  dropIn('guest', 'TimeoutStartSec=300\nWatchdogSec=8\nEnvironment=VK_DRIVER_FILES=/nonexistent');
  // Before the package, which leaves it as it is: the daemon starts once.
  mkdirSync(dirname(CONFIG), { recursive: true });
  writeFileSync(CONFIG, '[restart]\ngrace_seconds = 16\n[accounting]\nunknown_grace_seconds = 2\n');
  install('old');
}

class Load {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(user: string) {
    const program = ['dist/test/systemd/restart/load.js', SOCKET, CLIENTS_EACH];
    const args = ['-u', user, '--', process.execPath, ...program];
    this.#child = spawn('runuser', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout as NodeJS.ReadableStream);
  }

  /** Resolves when its clients are connected. */
  async ready(): Promise<void> {
    await once(this.#lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  say(line: 'go' | 'pause' | 'end'): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  async report(line: 'pause' | 'end'): Promise<LoadReport> {
    const answered = once(this.#lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.say(line);
    const [text] = (await answered) as [string];
    return JSON.parse(text);
  }
}

interface Buffer {
  readonly id: string;
  readonly state: string;
  readonly size: number;
  readonly lifetime: { readonly type: string; readonly ends_at?: string };
  readonly tokens: number;
  readonly recipients: readonly { readonly connected: boolean }[];
  readonly owner: { readonly uid: number };
}

const get = async (path: string) =>
  (await ask({ socketPath: REST, method: 'GET', path, agent: false })).body;
const buffers = (): Promise<Buffer[]> => get('/v1/buffers?limit=1000');
const charged = async (user: string) =>
  (await get(`/v1/quotas/user/${run('id', '-u', user)}`)).charge;

/** Asks until the answer is as it is to be; the last one where it never is. */
async function settled<T>(what: () => Promise<T>, isGood: (found: T) => boolean): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await what();
    if (isGood(found) || performance.now() > end) return found;
    await sleep(100);
  }
}

/**
 * What is wrong after a restart with what the clients were told of; where the `whole` is looked at, when the
 * grace is over, with what is there beside it, too.
 */
async function judge(reports: readonly LoadReport[], whole: boolean): Promise<string[]> {
  const wrong = reports.flatMap(({ errors }) => errors.map((error) => `a call failed: ${error}`));
  const told = new Map<string, Told>(
    reports.flatMap((each) => each.buffers).map((each) => [each.id, each]),
  );
  wrong.push(...[...told.values()].flatMap((each) => each.wrong ?? []));
  const found = whole ? await settled(buffers, (all) => all.length === told.size) : await buffers();
  const byId = new Map(found.map((each) => [each.id, each]));
  for (const [id, { size, lifetime, tokens, holders, endsAt }] of told) {
    const buffer = byId.get(id);
    if (buffer === undefined) wrong.push(`${id} (${lifetime}) is not there`);
    else if (buffer.state !== 'live') wrong.push(`${id} (${lifetime}) is ${buffer.state}`);
    else if (buffer.lifetime.type !== lifetime) wrong.push(`${id} is ${buffer.lifetime.type}`);
    else if (buffer.size !== size) wrong.push(`${id} has ${buffer.size} bytes, not ${size}`);
    else if (buffer.tokens < tokens) wrong.push(`${id} has ${buffer.tokens} tokens, not ${tokens}`);
    else {
      const connected = buffer.recipients.filter((each) => each.connected).length;
      // Who has closed it since then was handed it, too.
      if (connected < holders) wrong.push(`${connected} have ${id}, not ${holders}`);
      const late = Date.parse(buffer.lifetime.ends_at ?? '') - (endsAt ?? Number.NaN);
      if (Math.abs(late) > LEASE_MS) wrong.push(`the lease of ${id} ends ${late} ms too late`);
    }
  }
  if (!whole) return wrong;
  for (const { id, state, lifetime } of found) {
    if (!told.has(id)) wrong.push(`nobody was told of ${id} (${lifetime.type}, ${state})`);
  }
  for (const user of new Set(USERS)) {
    const uid = Number(run('id', '-u', user));
    const own = found.filter(({ owner }) => owner.uid === uid);
    const bytes = own.reduce((sum, { size }) => sum + size, 0);
    const charge = await charged(user);
    if (charge.bytes !== bytes || charge.buffers !== own.length || charge.pending !== 0)
      wrong.push(
        `${user} is charged ${JSON.stringify(charge)} for ${own.length} buffers of ${bytes} bytes`,
      );
  }
  // One is the state; a memory each for the others.
  const kept = 1 + found.filter(({ lifetime }) => lifetime.type !== 'connection').length;
  const stored = await settled(
    async () => Number(show('NFileDescriptorStore')) + withKeeper(),
    (count) => count === kept,
  );
  if (stored !== kept)
    wrong.push(`the service manager and the keeper have ${stored} fds, not ${kept}`);
  return wrong;
}

/** Memories that the keeper has, as the kernel tells. */
function withKeeper(): number {
  const pid = systemctl('show', '-P', 'MainPID', 'dmabroker-keeper');
  return pid === '0' ? 0 : fdsOf(pid, /^\/(dmabuf|memfd):/);
}

/** Seconds of CPU that the service manager has used (proc(5)). */
function managerSeconds(): number {
  const fields = readFileSync('/proc/1/stat', 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const kill = () => run('kill', '-KILL', show('MainPID'));

/** Ways to end; each returns what undoes it. */
const WAYS: Readonly<Record<string, () => Promise<() => void>>> = {
  SIGKILL: async () => {
    kill();
    return () => {};
  },
  'systemctl restart': async () => {
    systemctl('restart', 'dmabrokerd');
    return () => {};
  },
  'an upgrade of the package': async () => {
    const before = show('MainPID');
    install('new');
    if (show('MainPID') === before) throw new Error('it runs on as it was');
    return () => {};
  },
  'a thread that stands still': async () => {
    const pid = show('MainPID');
    const program = 'dist/test/support/programs/stop-thread.js';
    const child = spawn(process.execPath, [program, pid, 'dmab-plane'], { stdio: 'inherit' });
    await once(child, 'exit');
    return () => {};
  },
  'SIGKILL with a full disk': async () => {
    run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0777', 'tmpfs', '/var/lib/dmabroker');
    run('sh', '-c', 'head -c 1M /dev/zero >/var/lib/dmabroker/full 2>/dev/null; true');
    kill();
    return () => run('umount', '-l', '/var/lib/dmabroker');
  },
  'SIGKILL beside a busy service manager': async () => {
    const loop = 'while :; do systemctl daemon-reload; done';
    const busy = [1, 2].map(() => spawn('sh', ['-c', loop], { stdio: 'ignore' }));
    await sleep(500);
    kill();
    await settled(
      () =>
        buffers().then(
          () => true,
          () => false,
        ),
      (answers) => answers,
    );
    for (const each of busy) each.kill();
    return () => {};
  },
};

prepare();
const loads = USERS.map((user) => new Load(user));
await Promise.all(loads.map((load) => load.ready()));
const down: number[] = [];
let calls = 0;
let random = 1;

async function end(name: string, whole: boolean): Promise<void> {
  for (const load of loads) load.say('go');
  random = (random * 16_807) % 2_147_483_647;
  await sleep(100 + (random % 900));
  const began = performance.now();
  const busyBefore = managerSeconds();
  const undo = await (WAYS[name] as () => Promise<() => void>)();
  await sleep(random % 300);
  const reports = await Promise.all(loads.map((load) => load.report('pause')));
  const wrong = await judge(reports, whole);
  undo();
  const lost = reports.flatMap((each) => each.down);
  down.push(...lost);
  calls = Math.max(...reports.map((each) => each.calls));
  console.log(
    JSON.stringify({
      way: name,
      wrong,
      buffers: reports.flatMap((each) => each.buffers).length,
      reconnected: lost.length,
      manager: managerSeconds() - busyBefore,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }),
  );
}

const others = Object.keys(WAYS).filter((name) => name !== 'SIGKILL');
for (const name of others) await end(name, name === others.at(-1));
for (let i = 1; i <= Number(KILLS); i++) await end('SIGKILL', i % WHOLE === 0);
const ended = await Promise.all(loads.map((load) => load.report('end')));
const wrong = await judge(ended, true);
console.log(
  JSON.stringify({
    way: 'the end',
    wrong,
    calls,
    down: { median: Math.round(median(down)), longest: Math.round(Math.max(...down)) },
    restarts: Number(show('NRestarts')),
  }),
);
process.exit();
