/**
 * The Debian package under a real systemd, in the guest, in one boot: installed on a machine that has never had it,
 * used by its users, reconfigured, replaced by a second version, removed and purged.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import { packageRoot, packageVersion } from '../../src/package-root.js';
import type { Holders, Processes } from '../../src/rest/contract.js';
import { nextVersion, sharedDeb } from '../package/support/deb.js';
import { runInGuest } from '../vm/vm.js';

t.setTimeout(600_000);

// The guest sees the checkout alone.
mkdirSync(join(packageRoot, 'build'), { recursive: true });
const folder = mkdtempSync(join(packageRoot, 'build/deb-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
sharedDeb(join(folder, 'old.deb'));
const NEXT = '99.0.0';
nextVersion(join(folder, 'old.deb'), join(folder, 'new.deb'), NEXT);
execFileSync('make', ['--silent', '-C', 'examples/c'], { cwd: packageRoot });

const { status, stdout, stderr } = await runInGuest(
  ['sh', 'test/systemd/deb.sh', relative(packageRoot, folder)],
  { systemd: true, timeoutSeconds: 400 },
);
t.equal(status, 0, stderr);
const seen: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  stdout.split('\n').map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  }),
);

t.test('installed, it runs', async (t) => {
  t.equal(seen.installed, 'yes');
  t.equal(seen.active, 'active enabled enabled enabled ', 'the service and both sockets');
  const command = 'node /usr/bin/dmabrokerd --config /etc/dmabroker/dmabroker\\.toml';
  t.match(seen.command, new RegExp(` \\S*${command}$`));
  t.equal(
    seen.files,
    '755 dmabroker:dmabroker 666 dmabroker:dmabroker 660 dmabroker:dmabroker',
    'everybody reaches the clients’ socket, and REST’s whom the policy names',
  );
  const health = JSON.parse(seen.health ?? '') as { sources_usable: string[] };
  t.match(health, { status: 'ok', version: packageVersion() });
  for (const source of ['vulkan/dma_buf', 'udmabuf/dma_buf', 'dma-heap:system/dma_buf']) {
    t.ok(health.sources_usable.includes(source), `it may use ${source}`);
  }
  t.equal(
    seen.devices,
    'crw------- dmabroker root crw-rw---- root kvm',
    'the heaps are for the daemon, and for nobody else',
  );
  t.equal(seen.errors, '', 'nothing to complain of');
});

t.test('systemd finds nothing wrong with the units', async (t) => {
  t.equal(seen.verify, '');
  t.equal(seen.verify_user, '');
  t.ok(Number(seen.exposure) > 0 && Number(seen.exposure) <= 1, `exposure ${seen.exposure}`);
});

t.test('who is in no group is refused, and told which one to join', async (t) => {
  const group = 'that is for members of the group';
  t.equal(
    seen.carol,
    `permission_denied: user 1003 may not connect: ${group} dmabroker`,
    'on the clients’ socket',
  );
  const rest = /you may not connect to .*rest\.sock: the group dmabroker may/;
  t.match(seen.carol_rest, rest);
  t.match(seen.carol_alloc, rest);
});

t.test('members of either group alone have what it is for', async (t) => {
  t.equal(seen.alice, 'drew 640x480 pixels');
  t.equal(seen.alice_rest, 'no buffers', 'what is her own');
  t.equal(seen.bob, 'no buffers', 'an administrator who is no client');
  t.match(JSON.parse(seen.heap ?? ''), {
    buffer: { source: 'dma-heap:system', handle_type: 'dma_buf' },
  });
});

t.test('an administrator sees every holder, by a process that can do nothing else', async (t) => {
  const { holders, complete, missing } = JSON.parse(seen.holders ?? '') as Holders;
  const byName = holders.map(({ executable, uid, fds }) => ({ executable, uid, fds }));
  t.match(
    byName.sort((a, b) => `${a.executable}`.localeCompare(`${b.executable}`)),
    [
      { executable: /^(node|MainThread)$/, uid: 1001, fds: 1 },
      { executable: 'sleep', uid: 1001, fds: 1 },
    ],
  );
  t.match({ complete, missing }, { complete: true, missing: null });
  const { processes, ...rest } = JSON.parse(seen.ps ?? '') as Processes;
  t.ok(processes.some(({ executable, bytes }) => executable === 'sleep' && bytes === 65_536));
  t.match(rest, { complete: true, unreadable: 0 });
  t.match(JSON.parse(seen.holders_own ?? ''), { holders: { length: 2 }, complete: false }, 'hers');
  t.match(seen.looker, /^success active [1-9]\d+$/, 'of a user of its own, which has no name');
  t.ok(
    Number(seen.looker_exposure) > 0 && Number(seen.looker_exposure) <= 1,
    `exposure ${seen.looker_exposure}`,
  );
  t.match(seen.looker_sees, /\busr\b.*\/etc:$/, 'no file of the machine but its programs');
  t.notMatch(seen.looker_sees, /\b(home|srv|opt|dmabroker)\b/);
  t.equal(seen.looker_writes, 'no');
  t.equal(seen.looker_root, 'closed');
  t.equal(seen.looker_alice, 'EACCES');
});

t.test('the doctor says what is wrong for whom, and the command', async (t) => {
  t.match(seen.doctor_carol, /^1 ok +service: it runs .*WRONG daemon: .*usermod -aG dmabroker/);
  t.match(seen.doctor_bob, /^0 ok +service: it runs ok +configuration: .* ok +daemon: /);
  t.match(seen.doctor_bob, /ok +you: you may connect, and are admin over REST$/);
  t.match(seen.doctor_wrong, /^1 .*WRONG configuration: .*:\d+: log\.level must be/);
  t.match(
    seen.doctor_wrong,
    /note +holders: \d+ processes .* → systemctl restart dmabroker-holders/,
  );
  t.match(seen.doctor_failed, /WRONG service: it has failed: its configuration is wrong/);
  t.match(seen.doctor_failed, /WRONG configuration: .*:\d+: log\.level must be/);
  t.match(seen.own_doctor, /^ok +service: it runs ok +configuration: .*dmabroker\.toml: .* good/);
});

t.test('restart checks the configuration first', async (t) => {
  t.match(
    seen.restart_wrong,
    /:\d+: log\.level must be .* nothing was restarted: what runs goes on$/,
  );
  t.equal(seen.restart_kept, 'yes');
  t.match(seen.restart_good, /configuration is good; restarted: dmabrokerd 99\.0\.0 answers$/);
  t.match(seen.own_restart, /is not there: the configuration is good; restarted: /, 'a user’s own');
  t.match(seen.own_restart_conf, /dmabroker\.toml: the configuration is good; restarted: /);
  t.equal(seen.own_restart_made, 'yes', 'by another process');
});

t.test('the file in /etc is the one that is read', async (t) => {
  t.equal(seen.checked, '/etc/dmabroker/dmabroker.toml: the configuration is good');
  t.equal(
    seen.checked_tokens,
    '/tmp/tcp.toml: the configuration is good',
    'root checks for the daemon’s user, whose the tokens are',
  );
  t.equal(seen.carol_named, 'drew 640x480 pixels', 'a group that the policy names, after a reload');
});

t.test('a wrong file: the reload fails, and the journal has an error with its line', async (t) => {
  t.equal(seen.reloaded, 'no active');
  const error = /^dmabrokerd: \/etc\/dmabroker\/dmabroker\.toml:\d+: log\.level must be /;
  t.match(seen.reload_error, error);
  t.equal(seen.wrong, 'failed 0', 'it is not started again and again');
  t.equal(seen.start_errors, '3', 'and one of each start that failed');
  t.match(seen.carol_away, /^Is dmabrokerd running\?/, 'who connects does not wait for it');
  t.match(JSON.parse(seen.fatal ?? ''), { level: 60, msg: /cannot be made/ });
});

t.test('a second version is started if the configuration is good', async (t) => {
  t.match(
    seen.upgrade_said,
    /^toml:\d+: log\.level dmabroker: dmabrokerd is not started anew$/,
    'whoever installs it is told what is wrong',
  );
  // Who connects to the sockets has it tried all the same, with the wrong file: then it has failed.
  const [version, installed, state] = seen.upgraded?.split(' ') ?? [];
  t.same([version, installed], [NEXT, 'installed']);
  t.match(state, /^(inactive|failed)$/, 'it is not started anew');
  t.equal(seen.same_folder, 'yes', 'who has it mounted finds the new sockets');
  t.match(JSON.parse(seen.health_new ?? ''), { status: 'ok', version: NEXT });
  t.equal(seen.kept, 'connect = { groups = ["others"] }', 'what was changed in /etc stays');
});

t.test('a user without any group has a daemon of their own', async (t) => {
  t.equal(seen.own, 'active active active enabled', 'with its sockets');
  t.equal(seen.own_files, '700 carol:carol 666 carol:carol', 'where nobody else gets');
  t.match(seen.own_alloc, /"buffer"/);
  t.equal(seen.own_list, '1');
  t.equal(seen.own_state, 'directory 700', 'its own folder, not a link to ~/.config');
  t.equal(seen.own_config, '/home/carol/.config/dmabroker/dmabroker.toml');
  t.equal(seen.machine_beside, 'active', 'beside that of the machine');
  t.equal(seen.own_left, '0');
});

t.test('what systemd does not take has the keeper', async (t) => {
  t.equal(seen.keeper_before, 'active inactive ', 'no process is there for nothing');
  t.match(seen.keeper, /^active 3 [1-9]\d+$/, 'of a user of its own, which has no name');
  t.equal(seen.keeper_limits, '524288 -900');
  t.ok(
    Number(seen.keeper_exposure) > 0 && Number(seen.keeper_exposure) <= 1,
    `exposure ${seen.keeper_exposure}`,
  );
  t.match(seen.keeper_sees, /\busr\b.*\/etc:$/, 'no file of the machine but its programs');
  t.notMatch(seen.keeper_sees, /\b(home|srv|opt|dmabroker)\b/);
  t.equal(seen.keeper_alice, 'EACCES');
  t.equal(seen.keeper_killed, '5', 'the daemon dies');
  t.equal(seen.keeper_upgraded, '4 3', 'it is stopped, and the package installed again');
  t.equal(seen.keeper_same, 'yes');
  t.equal(seen.keeper_again, '4 3', 'the keeper dies');
  t.equal(seen.keeper_removed, 'inactive inactive ', 'it goes with the package');
});

t.test('what is kept for it stays over an upgrade and a stop, and goes with it', async (t) => {
  t.equal(seen.stored, '3', 'its state, one memory, and what is not known');
  t.equal(seen.stopped, 'inactive 3');
  t.equal(seen.upgrade_kept, 'active 2', 'what is not known was forgotten');
  t.equal(seen.cleaned, '0');
});

t.test('removed it leaves its configuration and state, purged nothing', async (t) => {
  t.equal(
    seen.removed,
    'inactive /etc/dmabroker/dmabroker.toml  /var/lib/dmabroker: lock quotas.json starts',
  );
  t.equal(seen.purge_said, '');
  t.equal(seen.trace, '');
});
