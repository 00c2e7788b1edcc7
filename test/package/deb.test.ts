/** The Debian packages as files: the same bytes each time, what is in them and whose it is, and that they run from there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GLIBC } from '../../src/native/platform.js';
import { packageRoot, packageVersion } from '../../src/package-root.js';
import { loadConfig } from '../../src/server/config/config.js';
import { FakeClock } from '../support/clock.js';
import { TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { isNight } from '../support/night.js';
import { packageClients, packageDeb, sharedDeb } from './support/deb.js';

t.setTimeout(300_000);
const folder = temporaryFolder(t);
const deb = join(folder, 'dmabroker.deb');
sharedDeb(deb);
const root = join(folder, 'root');
const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', cwd: packageRoot });
run('dpkg-deb', '--extract', deb, root);
run('dpkg-deb', '--control', deb, join(root, 'DEBIAN'));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

t.test('made twice it is the same', async (t) => {
  const again = join(folder, 'again.deb');
  // The other may have been made before the last commit, whose date would be this one's.
  const { mtimeMs } = statSync(join(root, 'etc/dmabroker/dmabroker.toml'));
  process.env.SOURCE_DATE_EPOCH = `${mtimeMs / 1000}`;
  packageDeb(again);
  t.ok(readFileSync(deb).equals(readFileSync(again)));
});

t.test(
  'everything is root’s, in folders that Debian has, and programs alone are executable',
  async (t) => {
    const lines = run('dpkg-deb', '--contents', deb).trimEnd().split('\n');
    for (const line of lines) {
      const [mode = '', owner, , , , path = ''] = line.split(/\s+/);
      t.equal(owner, 'root/root', path);
      t.match(path, /^\.\/($|etc\/($|(cdi|dmabroker)\/)|usr\/)/);
      const program = /^\.\/usr\/lib\/dmabroker\/bin\/./.test(path);
      const wanted = {
        d: 'drwxr-xr-x',
        l: 'lrwxrwxrwx',
        '-': program ? '-rwxr-xr-x' : '-rw-r--r--',
      };
      t.equal(mode, wanted[mode.charAt(0) as keyof typeof wanted], path);
    }
    t.equal(text('DEBIAN/conffiles'), '/etc/cdi/dmabroker.json\n/etc/dmabroker/dmabroker.toml\n');
    run('bash', '-c', `cd ${root} && md5sum --quiet --check DEBIAN/md5sums`);
  },
);

t.test('a unit that is masked keeps no other from being enabled', async (t) => {
  // deb-systemd-helper ends at the first that it cannot do.
  const helper = `#!/bin/sh
[ "$1" != --quiet ] || exit 0
verb=$1; shift
for unit; do [ "$verb $unit" != "enable $MASKED" ] || exit 1; echo "$verb $unit" >> "$SAID"; done
`;
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const names = ['systemd-sysusers', 'udevadm', 'systemctl', 'deb-systemd-invoke', 'runuser'];
  for (const name of names) symlinkSync('/bin/true', join(bin, name));
  writeFileSync(join(bin, 'deb-systemd-helper'), helper, { mode: 0o755 });
  const units = ['dmabrokerd.service', 'dmabrokerd.socket', 'dmabrokerd-rest.socket'];
  for (const masked of [...units, 'none']) {
    const said = join(folder, `said-${masked}`);
    const env = { PATH: `${bin}:${process.env.PATH}`, MASKED: masked, SAID: said };
    const { status } = spawnSync('sh', [join(root, 'DEBIAN/postinst'), 'configure'], { env });
    t.equal(status, 0);
    const enabled = readFileSync(said, 'utf8').match(/(?<=^enable ).*$/gm) ?? [];
    t.same([...new Set(enabled)].sort(), units.filter((unit) => unit !== masked).sort(), masked);
  }
});

t.test('what it depends on is what its programs ask for', async (t) => {
  const control = text('DEBIAN/control');
  const { engines } = JSON.parse(text('usr/lib/dmabroker/package.json')) as {
    engines: { node: string };
  };
  t.match(control, `nodejs (>= ${engines.node.replace('>=', '')})`);
  t.match(control, `libc6 (>= ${GLIBC})`);
  t.match(control, new RegExp(`^Version: ${packageVersion()}$`, 'm'));
  // Nothing is fetched when it is installed.
  for (const script of ['postinst', 'prerm', 'postrm']) {
    t.notMatch(text(`DEBIAN/${script}`), /npm|curl|wget|http/);
    run('sh', '-n', join(root, 'DEBIAN', script));
  }
});

t.test('the units, the rule and the users name what is there', async (t) => {
  const units = ['usr/lib/systemd/system', 'usr/lib/systemd/user'].map((each) =>
    text(`${each}/dmabrokerd.service`),
  );
  for (const unit of units) {
    t.match(unit, /^ExecStart=\/usr\/bin\/dmabrokerd /m);
    for (const [, page, section] of unit.matchAll(/man:([\w.]+)\((\d)\)/g)) {
      const file = `usr/share/man/man${section}/${page}.${section}.gz`;
      t.match(run('zcat', join(root, file)), /^\.TH /m, file);
    }
  }
  t.match(units[0], '--config /etc/dmabroker/dmabroker.toml');
  const users = text('usr/lib/sysusers.d/dmabroker.conf');
  const [, owner = ''] =
    /OWNER="(\w+)"/.exec(text('usr/lib/udev/rules.d/60-dmabroker.rules')) ?? [];
  t.match(users, new RegExp(`^u ${owner} `, 'm'));
  t.match(units[0], `User=${owner}`);
});

t.test('completions are where shells look, and are those of the program', async (t) => {
  for (const [shell, path] of [
    ['bash', 'bash-completion/completions/dmabrokerctl'],
    ['zsh', 'zsh/vendor-completions/_dmabrokerctl'],
    ['fish', 'fish/vendor_completions.d/dmabrokerctl.fish'],
  ] as const) {
    const said = run(process.execPath, 'bin/dmabrokerctl.js', 'completion', shell);
    t.equal(text(`usr/share/${path}`), said, shell);
  }
});

t.test('the protocol is found by pkg-config, as wayland-protocols are', async (t) => {
  const pc = text('usr/share/pkgconfig/dmabroker-protocols.pc');
  const [, where] = /^pkgdatadir=\$\{datarootdir\}(.*)$/m.exec(pc) ?? [];
  t.match(pc, new RegExp(`^Version: ${packageVersion()}$`, 'm'));
  const xml = `usr/share${where}/dmabroker-v1.xml`;
  t.equal(text(xml), readFileSync(join(packageRoot, 'protocol/dmabroker-v1.xml'), 'utf8'));
});

t.test(
  'the configuration file says nothing, and with every comment taken off what is so without',
  async (t) => {
    const file = join(folder, 'dmabroker.toml');
    const installed = text('etc/dmabroker/dmabroker.toml');
    const read = (toml: string) => {
      writeFileSync(file, toml);
      return loadConfig(file, {}, new FakeClock());
    };
    t.same((await read(installed)).file.tables, {});
    const all = installed.replaceAll(/^#(?=\[(?!rest\.tcp)|\w+ = )/gm, '');
    const { config, file: said } = await read(all);
    t.ok(Object.values(said.tables).flatMap((table) => Object.keys(table)).length > 15);
    t.same(config, (await read('')).config);
  },
);

t.test('it runs from there, with nothing beside it but Node', async (t) => {
  const at = (name: string) => join(root, 'usr/bin', name);
  t.same(readdirSync(join(root, 'usr/bin')).sort(), [
    'dmabroker-unixfd',
    'dmabrokerctl',
    'dmabrokerd',
  ]);
  t.equal(readlinkSync(at('dmabrokerd')), '../lib/dmabroker/bin/dmabrokerd.js');
  const daemon = await TestDaemon.memfd(t, { program: at('dmabrokerd') });
  const ctl = (...args: string[]) =>
    run(process.execPath, at('dmabrokerctl'), '--socket', daemon.restSocket, '--json', ...args);
  ctl('alloc', '--size', '4096', '--handle-type', 'memfd', '--name', 'packaged');
  t.match(JSON.parse(ctl('list')), [{ name: 'packaged', size: 4096 }]);
  t.match(run(process.execPath, at('dmabroker-unixfd'), 'serve', '--help'), /--caps <caps>/);
  t.equal((await daemon.rest('GET', '/docs/swagger-ui.css')).status, 200);
  t.same(daemon.errors, []);
});

t.test('what is in C has packages of its own', async (t) => {
  const clients = packageClients(join(folder, 'clients'));
  t.same([...clients.keys()], ['libdmabroker0', 'libdmabroker-dev', 'dmabroker-shims']);
  const root = join(folder, 'clients/root');
  for (const [name, path] of clients) {
    run('dpkg-deb', '--extract', path, root);
    run('dpkg-deb', '--control', path, join(folder, name));
    run('bash', '-c', `cd ${root} && md5sum --quiet --check ${folder}/${name}/md5sums`);
    t.equal(run('dpkg-deb', '--field', path, 'Version').trim(), packageVersion());
    t.match(run('dpkg-deb', '--contents', path), `./usr/share/doc/${name}/copyright`);
    for (const line of run('dpkg-deb', '--contents', path).trimEnd().split('\n'))
      t.match(line, /^(drwxr-xr-x|lrwxrwxrwx|-rw-r--r--) root\/root /);
  }
  const triplet = run('cc', '-print-multiarch').trim();
  const lib = join(root, 'usr/lib', triplet);
  const libraries = ['libdmabroker.so.0', 'libdmabroker-heaps.so', 'gbm/dmabroker_gbm.so'];
  for (const [at, library] of libraries.entries()) {
    const needed = run('objdump', '-p', join(lib, library)).match(/(?<=NEEDED +)\S+/g);
    t.same(needed, ['libwayland-client.so.0', 'libc.so.6'], library);
    const depends = run('dpkg-deb', '--field', [...clients.values()][at === 0 ? 0 : 2] ?? '');
    t.match(depends, /Depends: libc6 \(>= 2\.\d+\), libwayland-client0/);
  }
  // A program of theirs: compiled against the one, and run with the other.
  const program = join(folder, 'example');
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'dmabroker'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PKG_CONFIG_PATH: join(lib, 'pkgconfig'),
      PKG_CONFIG_SYSROOT_DIR: root,
    },
  });
  const source = join(root, 'usr/share/doc/libdmabroker-dev/examples/example.c');
  run('cc', '-D_DEFAULT_SOURCE', source, '-o', program, ...flags.trim().split(/\s+/));
  t.match(run('objdump', '-p', program), /NEEDED +libdmabroker\.so\.0\n/);
  const env = { LD_LIBRARY_PATH: lib, DMABROKER_SOCKET: '/nonexistent' };
  const { stderr } = spawnSync(program, [], { encoding: 'utf8', env });
  t.match(stderr, /^connect: nobody answers at \/nonexistent: /, 'it runs');
  if (!isNight) return;
  for (const [name, path] of packageClients(join(folder, 'again')))
    t.ok(readFileSync(path).equals(readFileSync(clients.get(name) ?? '')), `${name} is the same`);
});
