/** Units, slices and containers from the paths that systemd and container managers make. */
import t from 'tap';
import { NO_CGROUP, parseCgroup } from '../../src/broker/cgroup.js';

const id = 'a1'.repeat(32);
const other = 'b2'.repeat(32);

/** path → unit, slice, container */
const cases: [string, string | null, string | null, string | null][] = [
  ['/', null, null, null],
  ['/init.scope', 'init.scope', null, null],
  ['/system.slice/weston.service', 'weston.service', 'system.slice', null],
  ['/system.slice/weston.service/helpers', 'weston.service', 'system.slice', null],
  [
    '/system.slice/system-getty.slice/getty@tty1.service',
    'getty@tty1.service',
    'system-getty.slice',
    null,
  ],
  ['/_cpu.slice/_memory.service', 'memory.service', 'cpu.slice', null],
  ['/user.slice/user-1000.slice/session-3.scope', 'session-3.scope', 'user-1000.slice', null],
  ['/user.slice/user-1000.slice/user@1000.service', 'user@1000.service', 'user-1000.slice', null],
  [
    '/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox\\x2desr-12.scope',
    'app-firefox\\x2desr-12.scope',
    'app.slice',
    null,
  ],
  [`/system.slice/docker-${id}.scope`, `docker-${id}.scope`, 'system.slice', id],
  [
    `/system.slice/docker-${id}.scope/system.slice/in.service`,
    `docker-${id}.scope`,
    'system.slice',
    id,
  ],
  [`/docker/${id}`, null, null, id],
  [`/docker/${id}/docker/${other}`, null, null, other],
  [`/machine.slice/libpod-${id}.scope/container`, `libpod-${id}.scope`, 'machine.slice', id],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
    `libpod-${id}.scope`,
    'user.slice',
    id,
  ],
  [`/system.slice/web.service/libpod-payload-${id}`, 'web.service', 'system.slice', id],
  [`/system.slice/web.service/runtime`, 'web.service', 'system.slice', null],
  [`/libpod_parent/libpod-${id}`, null, null, id],
  [
    '/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.example.Client-35.scope',
    'app-flatpak-org.example.Client-35.scope',
    'app.slice',
    null,
  ],
  [`/machine.slice/libpod-conmon-${id}.scope`, `libpod-conmon-${id}.scope`, 'machine.slice', null],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7.slice/cri-containerd-${id}.scope`,
    `cri-containerd-${id}.scope`,
    'kubepods-burstable-pod7.slice',
    id,
  ],
  [
    `/kubepods.slice/kubepods-pod7.slice/crio-${id}.scope`,
    `crio-${id}.scope`,
    'kubepods-pod7.slice',
    id,
  ],
  [`/kubepods/besteffort/pod7/${id}`, null, null, id],
  ['/lxc.payload.web/system.slice/a.service', 'a.service', 'system.slice', 'web'],
  ['/lxc/web', null, null, 'web'],
  [
    '/machine.slice/machine-my\\x2dbox.scope',
    'machine-my\\x2dbox.scope',
    'machine.slice',
    'my-box',
  ],
  [
    '/machine.slice/systemd-nspawn@web.service/payload',
    'systemd-nspawn@web.service',
    'machine.slice',
    'web',
  ],
  ['/docker/notanid', null, null, null],
];

for (const [path, unit, slice, container] of cases) {
  t.same(parseCgroup(`0::${path}\n`), { cgroup: path, unit, slice, container }, path);
}

t.test('which hierarchy', async (t) => {
  const v1 = '12:pids:/elsewhere\n1:name=systemd:/system.slice/a.service\n';
  t.equal(parseCgroup(v1).unit, 'a.service', "systemd's own, on v1");
  t.equal(parseCgroup(`${v1}0::/\n`).unit, 'a.service', 'hybrid, with nothing in v2');
  t.equal(parseCgroup(`${v1}0::/system.slice/b.service\n`).unit, 'b.service', 'v2 comes first');
  t.equal(parseCgroup('0::/a.service (deleted)\n').cgroup, '/a.service');
  t.equal(parseCgroup('0::/a:b.service\n').unit, 'a:b.service');
  t.same(parseCgroup('4:memory:/x\n'), NO_CGROUP);
  t.same(parseCgroup(''), NO_CGROUP);
});
