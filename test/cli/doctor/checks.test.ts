/** What the doctor says of machines on which one thing each is wrong, and that a healthy one has nothing to mend. */
import t from 'tap';
import { examine } from '../../../src/cli/doctor/checks.js';
import type { Machine } from '../../../src/cli/doctor/machine.js';
import { Refused, Unreachable } from '../../../src/cli/failure.js';
import { type Ran, type RunProgram, Service } from '../../../src/cli/service.js';

const EXEC =
  '{ path=/usr/bin/dmabrokerd ; argv[]=/usr/bin/dmabrokerd --config /etc/dmabroker/dmabroker.toml ; ignore_errors=no ; start_time=[n/a] ; pid=0 }';
const UNIT = {
  LoadState: 'loaded',
  ActiveState: 'active',
  UnitFileState: 'enabled',
  ExecMainStatus: '0',
  LimitNOFILE: '524288',
  ExecStart: EXEC,
  User: '',
};
/** Of dmabroker-holders.socket. */
const SOCKET = { LoadState: 'loaded', ActiveState: 'active' };
const source = (name: string, usable = true, reason = '') => ({
  ...{ name, usable, reason, handle_type: 'dma_buf' },
});
const ANSWERS = {
  '/healthz': { version: '1.0.0', warnings: [] as string[] },
  '/readyz': { status: 'ready' },
  '/v1/config': {
    error: null as string | null,
    settings: [{ key: 'clients.socket', value: '/run/c', after_restart: null }] as object[],
  },
  '/v1/device': { sources: [source('vulkan'), source('udmabuf')] },
  '/v1/processes': { unreadable: 0, missing: null as string | null },
  '/v1/whoami': { connect: true, role: 'admin' },
};

interface Changes {
  readonly unit?: Partial<typeof UNIT> | null;
  readonly socket?: Partial<typeof SOCKET>;
  readonly check?: Ran;
  readonly journal?: string;
  readonly answers?: Partial<Record<keyof typeof ANSWERS, object>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly members?: Readonly<Record<string, readonly string[] | null>>;
}

const ran = (stdout: string, status = 0): Ran => ({ status, stdout, stderr: '' });

/** A healthy machine, but for the changes. */
function machine({
  unit = {},
  socket = {},
  check,
  journal = '',
  answers = {},
  files,
  members,
}: Changes): Machine {
  const present: Record<string, string> = {
    '/dev/udmabuf': '',
    '/proc/pressure/memory': '',
    '/run/c': '',
    '/sys/module/udmabuf/parameters/size_limit_mb': '4096\n',
    ...files,
  };
  const run: RunProgram = (program, ...args) => {
    if (program === 'journalctl') return ran(journal);
    if (program === '/usr/bin/dmabrokerd') return check ?? ran('the configuration is good\n');
    if (unit === null) return null;
    const isSocket = args.at(-1) === 'dmabroker-holders.socket';
    const state = Object.entries(isSocket ? { ...SOCKET, ...socket } : { ...UNIT, ...unit });
    return ran(state.map(([name, value]) => `${name}=${value}\n`).join(''));
  };
  const groups: Record<string, readonly string[] | null> = {
    dmabroker: ['alice'],
    'dmabroker-admin': ['bob'],
    ...members,
  };
  return {
    rest: {
      get: async <T>(path: string) => {
        const answer = { ...ANSWERS, ...answers }[path as keyof typeof ANSWERS];
        if (answer instanceof Error) throw answer;
        return answer as T;
      },
    },
    service: new Service(false, run),
    version: '1.0.0',
    read: (path) => present[path] ?? null,
    exists: (path) => path in present && present[path] !== 'no',
    members: (group) => groups[group] ?? null,
    gids: [1001],
    user: { uid: 1001, name: 'alice' },
    gidOf: () => 990,
  };
}

/** What is to be mended, a line each: `about: text → command`. */
async function complaints(changes: Changes): Promise<string[]> {
  const findings = await examine(machine(changes));
  return findings
    .filter(({ level }) => level !== 'good')
    .map(({ level, about, text, mend }) => `${level} ${about}: ${text} → ${mend}`);
}

const refused = (code: 'permission_denied' | 'not_ready', detail: string) =>
  new Refused({ type: '', title: '', status: 403, code, detail } as Refused['problem']);

t.test('a healthy machine has nothing to mend', async (t) => {
  t.same(await complaints({}), []);
  const findings = await examine(machine({}));
  t.same(
    findings.map(({ about }) => about),
    ['service', 'configuration', 'daemon', 'memory', 'holders', 'you'],
  );
});

const device = (...sources: object[]) => ({ answers: { '/v1/device': { sources } } });

for (const [what, changes, wanted] of [
  ['no systemd', { unit: null }, /^note service: systemd does not run here/],
  ['no unit', { unit: { LoadState: 'not-found' } }, /^note service: .*not installed/],
  [
    'not enabled',
    { unit: { UnitFileState: 'disabled' } },
    /^note .* → systemctl enable dmabrokerd$/,
  ],
  [
    'not started',
    { unit: { ActiveState: 'inactive' } },
    /^wrong service: it is inactive → systemctl enable --now dmabrokerd$/,
  ],
  [
    'failed, and the journal says why',
    {
      unit: { ActiveState: 'failed', ExecMainStatus: '1' },
      journal: '{"level":60,"msg":"no room"}\n',
    },
    /^wrong service: it has failed: no room → systemctl restart dmabrokerd$/,
  ],
  [
    'failed, and only systemd says why',
    { unit: { ActiveState: 'failed', ExecMainStatus: '203' }, journal: 'Unable to locate\n' },
    /^wrong service: it has failed: Unable to locate →/,
  ],
  [
    'failed of a configuration that is good by now, or of what an exit status cannot tell from it',
    {
      unit: { ActiveState: 'failed', ExecMainStatus: '2' },
      journal: '{"level":60,"msg":"it is of a later dmabrokerd"}\n',
    },
    /^wrong service: it has failed: it is of a later dmabrokerd → dmabrokerctl restart$/,
  ],
  [
    'a wrong configuration',
    { check: { status: 2, stdout: '', stderr: 'dmabrokerd: /etc/x.toml:3: log.level must be\n' } },
    /^wrong configuration: .*x\.toml:3: log\.level must be → mend the file, then: dmabrokerctl/,
  ],
  [
    'a configuration that only others may read',
    { check: { status: 2, stdout: '', stderr: 'dmabrokerd: EACCES: permission denied, open x\n' } },
    /^note configuration: you cannot check it: .*EACCES.* → sudo dmabrokerctl doctor$/,
  ],
  [
    'nobody answers',
    {
      answers: { '/healthz': new Unreachable('cannot reach the daemon: x does not exist\nIs it?') },
    },
    /^wrong daemon: cannot reach the daemon: x does not exist → dmabrokerctl restart$/,
  ],
  [
    'a version that was installed and not started',
    { answers: { '/healthz': { version: '0.9.0', warnings: [] } } },
    /^note daemon: it is 0\.9\.0, and what is installed 1\.0\.0 → dmabrokerctl restart$/,
  ],
  [
    'a warning of its own',
    { answers: { '/healthz': { version: '1.0.0', warnings: ['the state is not kept'] } } },
    /^note daemon: the state is not kept/,
  ],
  [
    'it cannot serve',
    { answers: { '/readyz': refused('not_ready', 'no source is usable') } },
    /^wrong daemon: no source is usable/,
  ],
  [
    'a reload that was refused',
    { answers: { '/v1/config': { error: 'line 3', settings: [] } } },
    /^wrong configuration: the last reload was refused: line 3 → systemctl reload dmabrokerd$/,
  ],
  [
    'settings that wait for a restart',
    {
      answers: {
        '/v1/config': {
          error: null,
          settings: [
            { key: 'clients.mode', after_restart: { value: '0660' } },
            { key: 'log.level', after_restart: null },
          ],
        },
      },
    },
    /^note configuration: clients\.mode will be otherwise .* → dmabrokerctl restart$/,
  ],
  [
    'no driver, but another source',
    device(source('vulkan', false, 'no Vulkan driver is installed'), source('dma-heap:system')),
    /^note memory: vulkan: no Vulkan driver .* → apt install .*mesa-vulkan-drivers/,
  ],
  [
    'the module is not loaded',
    {
      ...device(source('udmabuf', false, 'ENOENT'), source('dma-heap:system')),
      files: { '/dev/udmabuf': 'no' },
    },
    /^note memory: udmabuf: ENOENT → modprobe udmabuf/,
  ],
  [
    'a device that the daemon may not open',
    device(source('udmabuf', false, 'EACCES: permission denied'), source('dma-heap:system')),
    /^note memory: udmabuf: EACCES.* → usermod -aG kvm dmabroker/,
  ],
  [
    'heaps that the daemon may not open',
    device(source('dma-heap:system', false, 'EACCES'), source('vulkan')),
    /^note memory: dma-heap:system: EACCES → udevadm trigger/,
  ],
  [
    'small buffers alone',
    { files: { '/sys/module/udmabuf/parameters/size_limit_mb': '64\n' } },
    /^note memory: .* 64 MiB at most → echo .*udmabuf\.conf/,
  ],
  [
    'processes that cannot be seen',
    { answers: { '/v1/processes': { unreadable: 7, missing: '7 processes' } } },
    /^note holders: 7 processes .*does not answer → systemctl restart dmabroker-holders\.socket$/,
  ],
  [
    'processes that cannot be seen, since that is not wanted',
    {
      socket: { LoadState: 'masked', ActiveState: 'inactive' },
      answers: { '/v1/processes': { unreadable: 7, missing: '7 processes' } },
    },
    /^note holders: 7 .* is masked → systemctl unmask --now dmabroker-holders\.socket$/,
  ],
  ['masked', { unit: { LoadState: 'masked' } }, /^wrong service: it is masked → systemctl unmask/],
  [
    'being started',
    { unit: { ActiveState: 'activating' } },
    /^note service: it is activating: look again → null$/,
  ],
  [
    'the clients’ socket was removed',
    { files: { '/run/c': 'no' } },
    /^wrong daemon: the clients' socket \/run\/c is not there → dmabrokerctl restart$/,
  ],
  [
    'not in the group',
    { answers: { '/v1/whoami': { connect: false } }, members: { dmabroker: ['carol'] } },
    /^wrong you: you may not connect → usermod -aG dmabroker alice$/,
  ],
  [
    'in the group since after the login',
    { answers: { '/v1/whoami': { connect: false } } },
    /^wrong you: .*were not when you logged in → .*newgrp dmabroker$/,
  ],
  [
    'few file descriptors',
    { unit: { LimitNOFILE: '1024' } },
    /^note service: its unit has 1024 file descriptors/,
  ],
  [
    'nobody may use it',
    { members: { dmabroker: [] } },
    /^note users: nobody is in the group dmabroker → usermod -aG dmabroker USER$/,
  ],
  [
    'a group is missing',
    { members: { 'dmabroker-admin': null } },
    /^note users: there is no group dmabroker-admin → groupadd/,
  ],
  [
    'a kernel without PSI',
    { files: { '/proc/pressure/memory': 'no' } },
    /^note memory: the kernel does not tell when memory is short: start it with psi=1/,
  ],
] as const satisfies readonly (readonly [string, Changes, RegExp])[]) {
  t.test(what, async (t) => {
    const [one, ...more] = await complaints(changes);
    t.match(one, wanted);
    t.same(more, [], 'and nothing else');
  });
}

t.test('failed of a configuration that is wrong: what to mend is said of the file', async (t) => {
  const check = { status: 2, stdout: '', stderr: 'dmabrokerd: /etc/x.toml:3: log.level must be\n' };
  const unit = { ActiveState: 'failed', ExecMainStatus: '2' };
  const [service, file, ...more] = await complaints({ unit, check });
  t.equal(service, 'wrong service: it has failed: its configuration is wrong → null');
  t.match(file, /^wrong configuration: .*must be → mend the file/);
  t.same(more, []);
});

t.test('without any dma_buf each source is wrong, not a note', async (t) => {
  const all = await complaints(device(source('udmabuf', false, 'a reason')));
  t.same(all, [
    'wrong memory: no dma_buf can be had: dmabrokerd --probe says why of each source → null',
    'wrong memory: udmabuf: a reason → null',
  ]);
});

t.test('what only an administrator may see is left out for others', async (t) => {
  const no = refused('permission_denied', 'no');
  const answers = { '/v1/config': no, '/v1/device': no, '/v1/processes': no, '/v1/whoami': no };
  t.same(await complaints({ answers }), []);
});
