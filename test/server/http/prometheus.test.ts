/**
 * A real Prometheus scrapes a real daemon over TCP, by the recipe of docs/metrics.md: its commands make the
 * token, its YAML is the configuration. An alert fires because of what a client does, another when
 * the daemon is gone, and the dashboard's queries have data.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ClientBuffer, connect } from '../../../src/client/index.js';
import { ctl, main } from '../../cli/support/ctl.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';
import { checkMetrics, Prometheus } from './support/prometheus.js';
import { root } from './support/root.js';

const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
const KIB = 1024;

/** The text with each part replaced, of which there must be some. */
function replaced(text: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`docs/metrics.md has no ${from}`);
    return before.replaceAll(from, to);
  }, text);
}

/** The commands that make a token, but for the last, which has the daemon read it. */
function makeToken(folder: string): void {
  const [, block = ''] = /^( {4}umask .*\n(?: {4}.*\n)+?) {4}systemctl reload/m.exec(page) ?? [];
  const commands = replaced(block, {
    'dmabrokerctl ': `"${process.execPath}" "${main}" `,
    '/etc/dmabroker/': `${folder}/`,
    '/etc/prometheus/': `${folder}/`,
    '-o dmabroker ': '',
    '-o prometheus ': '',
  });
  const { status, stderr } = spawnSync('sh', ['-euc', commands], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the recipe of docs/metrics.md: ${stderr}`);
}

/** Without the waiting, which alerts.test.ts is about. */
function configure(folder: string, port: number): string {
  const rules = readFileSync(join(root, 'docs/prometheus-rules.yml'), 'utf8');
  const impatient = rules.replaceAll(/^( +)for: .*$/gm, '$1for: 0s');
  writeFileSync(join(folder, 'prometheus-rules.yml'), impatient);
  const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
  const yaml = replaced(shown, {
    '/etc/prometheus/': `${folder}/`,
    '127.0.0.1:7070': `127.0.0.1:${port}`,
    'scrape_interval: 15s': 'scrape_interval: 500ms',
  });
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, `global:\n  evaluation_interval: 500ms\n${yaml}`);
  return file;
}

// Where it must be downloaded first.
t.test('Prometheus', { timeout: 300_000 }, async (t) => {
  const folder = temporaryFolder(t);
  makeToken(folder);
  const settings = join(folder, 'dmabroker.toml');
  const tokens = join(folder, 'tokens.toml');
  writeFileSync(settings, `[rest.tcp]\nlisten = "127.0.0.1:0"\ntokens_file = "${tokens}"\n`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', settings]);
  const port = Number(daemon.log.find(({ msg }) => msg === 'REST over TCP')?.port);
  const prometheus = await Prometheus.start(t, configure(folder, port), folder);
  /** Names of what fires. */
  const firing = async () =>
    (await prometheus.alerts())
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => labels.alertname);
  const samples = async (query: string) => (await prometheus.query(query)).length;

  await eventually(async () => (await samples('up{job="dmabroker"} == 1')) === 1, 'it is scraped');
  await eventually(async () => (await prometheus.evaluated()).length >= 10, 'rules are evaluated');

  const uid = process.getuid?.() ?? 0;
  const rest = ['--socket', daemon.restSocket];
  const quota = ['--bytes', '64K', '--per-second', '1000'];
  const limited = await ctl([...rest, 'quota', 'set', `user/${uid}`, ...quota]);
  t.equal(limited.status, 0, limited.stderr);
  const client = await connect({ socket: daemon.clientSocket });
  t.teardown(() => client.close());
  const buffers: ClientBuffer[] = [];
  for (let i = 0; i < 15; i++) {
    buffers.push(await client.allocate({ kind: 'buffer', size: 4 * KIB, handleTypes: ['memfd'] }));
  }
  // Whoever has it keeps it.
  await daemon.rest('DELETE', `/v1/buffers/${buffers[0]?.id}`);
  const tooMuch = client.allocate({ kind: 'buffer', size: 64 * KIB, handleTypes: ['memfd'] });
  await t.rejects(tooMuch, { code: 'limit_exceeded' });
  t.equal((await daemon.rest('GET', '/v1/buffers/aaaaaaaaaaaa')).status, 404);

  await t.test('a user near its quota', async (t) => {
    // Before the first scrape the daemon was down.
    const only = async () => String(await firing()) === 'DmabrokerUserNearQuota';
    await eventually(only, 'this alert fires, and no other');
    const alerts = await prometheus.alerts();
    const key = String(uid);
    const [alert] = alerts;
    t.match(alerts, [
      { labels: { alertname: 'DmabrokerUserNearQuota', scope: 'user', key, what: 'bytes' } },
    ]);
    const { summary = '', description = '' } = alert?.annotations ?? {};
    t.equal(summary, `user ${uid} has 93.75% of its bytes (127.0.0.1:${port})`);
    const commands = description.match(/(?<=`dmabrokerctl )(quota get|list|leaks)[^`]*/g) ?? [];
    t.equal(commands.length, 3);
    for (const command of commands) {
      const run = await ctl([...rest, ...command.split(' ')]);
      t.equal(run.status, 0, `${command}: ${run.stderr}`);
    }
  });

  await t.test('the metrics keep to the conventions', async (t) => {
    const { body } = await daemon.rest('GET', '/metrics');
    const lines = await checkMetrics(body);
    // prom-client's own names of gauges end in `_total`.
    t.same(
      lines.filter((line) => !/^nodejs_\w+_total non-counter/.test(line)),
      [],
    );
    t.not((await checkMetrics(`${body}# TYPE dmabroker_ms gauge\ndmabroker_ms 1\n`)).length, 0);
  });

  await t.test('the queries of the dashboard', async (t) => {
    const text = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
    const { body } = await daemon.rest('GET', '/metrics');
    const has = (name: string) => new RegExp(`^${name}[ {]`, 'm').test(body);
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const empty = new Set<string>();
    for (const query of queries) {
      const names = query.match(/\b(?:dmabroker|process|nodejs)_[a-z0-9_]+/g) ?? [];
      const asked = query.replaceAll('$__rate_interval', '1m');
      if (names.every(has)) {
        await eventually(async () => (await samples(asked)) > 0, `${query} has data`);
      } else {
        for (const name of names) if (!has(name)) empty.add(name);
        await samples(asked);
      }
    }
    t.ok(queries.length > 40);
    // There is no Vulkan device and no CUDA, no line of the log was lost, and no service manager keeps anything.
    t.same(
      [...empty].filter(
        (name) =>
          !/^dmabroker_(vulkan_heap_|cuda_memory_|log_lines_lost_|stored_fds|keeper_fds|unkept_)/.test(
            name,
          ),
      ),
      [],
    );
  });

  await t.test('what was given back', async (t) => {
    for (const buffer of buffers) await buffer.close();
    await eventually(async () => (await firing()).length === 0, 'it fires no more');
    const problems = (await prometheus.evaluated()).filter(({ error }) => error !== '');
    t.same(problems, []);
    t.same(
      prometheus.log.filter((line) => /level="?(warn|error)/i.test(line)),
      [],
    );
  });

  await t.test('a daemon that is gone', async (t) => {
    client.close();
    await daemon.stop();
    await eventually(async () => (await firing()).includes('DmabrokerDown'), 'that is told');
    t.same(await firing(), ['DmabrokerDown']);
  });
});
