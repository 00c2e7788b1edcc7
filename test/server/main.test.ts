/** The daemon's command line: what it prints, what it refuses and how, and its exit status. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageVersion } from '../../src/package-root.js';
import { runDaemon as run } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';

t.test('--help and --version', async (t) => {
  const help = await run('--help');
  t.equal(help.status, 0);
  for (const option of [
    '--config',
    '--optional-config',
    '--check',
    '--socket',
    '--rest-socket',
    '--device',
    '--log-level',
    '--state-dir',
    '--probe',
  ]) {
    t.match(help.stdout, option);
  }
  const version = await run('--version');
  t.same(version, { status: 0, stdout: `${packageVersion()}\n`, stderr: '' });
});

t.test('what it does not understand', async (t) => {
  const wrong: [string[], RegExp][] = [
    [['--nonsense'], /unknown option '--nonsense'/],
    [['--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
    [['more'], /too many arguments/],
    [['--socket'], /argument missing/],
  ];
  const runs = wrong.map(([args]) => run(...args));
  for (const [i, [args, message]] of wrong.entries()) {
    const { status, stdout, stderr } = (await runs[i]) ?? {};
    t.ok(status === 1 || status === 2, `${args.join(' ')}: status ${status}`);
    t.match(stderr, message);
    t.equal(stderr?.trim().split('\n').length, 1, 'a sentence and no stack');
    t.equal(stdout, '');
  }
});

t.test('a configuration that cannot be used', async (t) => {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  writeFileSync(file, '[log]\nlevel = "loud"\n');
  const wrong = await run('--config', file);
  t.equal(wrong.status, 2);
  t.match(wrong.stderr, `dmabrokerd: ${file}:2: log.level `);
  const missing = await run('--config', `${file}.not`);
  t.equal(missing.status, 2);
  t.match(missing.stderr, /^dmabrokerd: .*dmabroker\.toml\.not cannot be read \(ENOENT: /);
});

t.test('--check says of a configuration whether it is good, and where it is not', async (t) => {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  const good = '[log]\nlevel = "warn"\n';
  writeFileSync(file, good);
  const said = { status: 0, stdout: `${file}: the configuration is good\n`, stderr: '' };
  t.same(await run('--check', file), said);
  t.same(await run('--check', '--config', file), said, 'the file that the daemon would have');
  const wrong: [string, string][] = [
    ['log = ', ':3:'],
    ['[log]\nlevel = "loud"', ':4: log.level '],
    ['[clients]\ngroup = "no-such"', ':4: clients.group names the group no-such'],
    [
      '[policy]\n\nconnect = { groups = ["no-such"] }',
      ':5: policy.connect.groups: this machine has no',
    ],
    ['[rest.tcp]\nlisten = "0.0.0.0:1"\ntokens_file = "/x"', ':4: rest.tcp.listen must be '],
  ];
  for (const [text, message] of wrong) {
    writeFileSync(file, `# ${'a comment'}\n\n${text}\n`);
    const { status, stdout, stderr } = await run('--check', file);
    t.same({ status, stdout }, { status: 2, stdout: '' }, text);
    t.ok(stderr.startsWith(`dmabrokerd: ${file}${message}`), stderr);
  }
  const missing = await run('--check', `${file}.not`);
  t.equal(missing.status, 2);
  t.match(missing.stderr, /cannot be read \(ENOENT: .*: without settings it may be empty\n$/);
  // It starts nothing where it is not there.
  const optional = await run('--optional-config', `${file}.not`, '--socket', '/proc/nowhere/c');
  t.match(optional, { status: 1, stderr: /ENOENT.*--socket/ }, 'a file that may be missing');
});

t.test('--probe', async (t) => {
  const folder = temporaryFolder(t);
  const sockets = ['--socket', join(folder, 'c.sock'), '--rest-socket', join(folder, 'r.sock')];
  const { status, stdout, stderr } = await run('--probe', ...sockets);
  t.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as { device: unknown; sources: { name: string }[] };
  t.equal(found.device, null);
  const memfd = found.sources.find(({ name }) => name === 'memfd');
  t.match(memfd, { handle_type: 'memfd', usable: true, reason: /not a dma_buf/ });
  t.match(
    found.sources.find(({ name }) => name === 'vulkan'),
    { usable: false, reason: /./ },
  );
  t.same(readdirSync(folder), [], 'it does not listen');
});
