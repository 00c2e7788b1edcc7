/**
 * What the documents tell an administrator to type is typed, on a machine that has never had dmabroker, in the guest under
 * systemd: installing, who may use it, quotas, trouble, REST over TCP, from source.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import t from 'tap';
import { packageRoot, packageVersion } from '../../src/package-root.js';
import { blocksOf, PAGES, textOf } from '../docs/pages.js';
import { BY } from '../docs/where.js';
import { sharedDeb } from '../package/support/deb.js';
import { installedForAll } from '../package/support/installed.js';
import { putLayer } from '../vm/layer.js';
import { NODE_PACKAGES } from '../vm/packages.js';
import { prepareGuest, runOn } from '../vm/vm.js';

t.setTimeout(600_000);

// The guest sees the checkout alone.
mkdirSync(join(packageRoot, 'build'), { recursive: true });
const folder = mkdtempSync(join(packageRoot, 'build/pages-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
sharedDeb(join(folder, 'old.deb'));
execFileSync('make', ['--silent', '-C', 'examples/c'], { cwd: packageRoot });
const prefix = installedForAll();

mkdirSync(join(folder, 'commands'));
const put = (name: string, text: string) => writeFileSync(join(folder, 'commands', name), text);
const names: string[] = [];
for (const page of PAGES) {
  const counts = new Map<string, number>();
  for (const { anchor, script } of blocksOf(page)) {
    const count = (counts.get(anchor) ?? 0) + 1;
    counts.set(anchor, count);
    const name = `${basename(page)}#${anchor}.${count}`;
    if (BY[`${page}#${anchor}`] === 'systemd/pages') names.push(name);
    put(name, `${script}\n`);
  }
}
const page = textOf('docs/configuration.md');
const shown = (what: RegExp) => (what.exec(page)?.[1] ?? '').replaceAll(/^ {4}/gm, '');
put('tcp.toml', shown(/^```toml\n(\[rest\.tcp\]\n[\s\S]*?)^```$/m));
put('tcp.conf', shown(/^( {4}\[Service\]\n(?: {4}.*\n)+)/m));

const host = await prepareGuest();
await putLayer(host.image, NODE_PACKAGES, folder);
const { status, stdout, stderr } = await runOn(
  host,
  ['bash', 'test/systemd/pages.sh', ...[folder, prefix].map((each) => relative(packageRoot, each))],
  { systemd: true, timeoutSeconds: 400 },
);
t.equal(status, 0, stderr);
const lines = stdout.split('\n').map((line): [string, string] => {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
});
const seen: Readonly<Record<string, string | undefined>> = Object.fromEntries(lines);

t.test('each block that is to be run here was', async (t) => {
  const ran = lines.flatMap(([name, value]) => (name === 'ran' ? value : []));
  t.same(ran.toSorted(), names.toSorted());
});

t.test('installed and used as docs/install.md says', async (t) => {
  t.match(seen.installed, /Setting up dmabroker/);
  t.match(seen.node, /^v\d+\.\d+\.\d+ .*libnode/, 'Debian’s own Node runs it');
  t.match(seen.allowed, new RegExp(`status: +ok version: +${packageVersion()}`));
  t.equal(seen.alice, 'drew 640x480 pixels');
  t.equal(seen.bob, 'no buffers');
  t.match(seen.changed, /the configuration is good; restarted: .* ok +service: it runs/);
  t.notMatch(seen.doctor, /WRONG/);
});

t.test('memory, quotas, trouble', async (t) => {
  t.match(seen.devices, /llvmpipe.*dma_buf/s);
  t.match(seen.pool, /spares/i);
  t.match(seen.dry_run, /plane 1: .* unsupported_placement: .* nearest: /);
  t.match(seen.quota, /user\/(alice|1001)/);
  t.match(seen.quota, /2 GiB|2147483648/);
  t.match(seen.quota_group, /group\/video .*8\.0? ?GiB|group\/video .*8 GiB/);
  t.match(seen.quota_setting, /user\/1000/);
  t.match(seen.lost, /is live: there was nothing to do$/);
  t.equal(seen.udmabuf_limit, '4096');
});

t.test('a restart loses nothing, and what is kept can be given up', async (t) => {
  const [id = ''] = /[a-z2-7]{13}/.exec(seen.kept ?? '') ?? [];
  t.equal(seen.kept?.split(id).length, 3, 'it is listed before and after');
  t.match(seen.stored, `${id}-0`);
  t.match(seen.stored, 'dmabroker-state');
  t.equal(seen.given_up, 'no buffers');
});

t.test('REST over TCP takes the drop-in and a token, and no more', async (t) => {
  t.match(seen.closed, / 000$/, 'the unit as it is has no network');
  t.match(seen.restarted, /the configuration is good; restarted: /);
  t.equal(seen.listed, 'no buffers');
  t.equal(seen.tcp, '200');
  t.equal(seen.tcp_stranger, '401');
  t.ok(Number(seen.tcp_exposure) < 2, `exposure over TCP ${seen.tcp_exposure}`);
  t.match(seen.metrics, /dmabroker_build_info/);
  t.equal(seen.prometheus_token, '200');
});

t.test('from source, and a user’s own', async (t) => {
  t.equal(seen.source_active, 'active');
  t.match(seen.source_doctor, /ok +service: it runs ok +configuration: .* ok +daemon: /);
  t.match(seen.source_doctor, /ok +holders: every process is seen/, 'by the process that may');
  t.equal(seen.own, 'active');
});
