/**
 * What a real daemon says of its configuration: every value with its origin, what SIGHUP has changed and
 * what takes a restart; and never a token or its digest.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ConfigReport, ConfigSetting } from '../../../src/rest/contract.js';
import { ctl } from '../../cli/support/ctl.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { mismatch } from '../http/support/conforms.js';

const SHA256 = createHash('sha256').update('secret').digest('hex');

const FIRST = (tokens: string) => `
[rest]
rate_limit = 500
[rest.tcp]
listen = "127.0.0.1:0"
tokens_file = "${tokens}"

[quotas]
reserve = 0.2
daemon = { bytes = "1G" }
[quotas.users.root]
fds = 77
[quotas.cgroups."/user.slice"]
buffers = "none"
[policy]
reader = { users = [61001] }
[[policy.rules]]
users = [61002]
share = { groups = [5] }
`;

await withoutLeaks(t, 'the configuration in force', async (t) => {
  const folder = temporaryFolder(t);
  const [file, tokens] = [join(folder, 'dmabroker.toml'), join(folder, 'tokens.toml')];
  writeFileSync(file, FIRST(tokens));
  const entry = `[[tokens]]\nname = "grafana"\nsha256 = "${SHA256}"\nrole = "reader"\n`;
  writeFileSync(tokens, `${entry}expires = 2099-01-01T00:00:00Z\n`, { mode: 0o600 });
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);

  const report = async (): Promise<ConfigReport> => {
    const { status, body } = await daemon.rest('GET', '/v1/config');
    t.equal(status, 200);
    t.equal(mismatch('/components/schemas/Config', body), undefined);
    t.notOk(JSON.stringify(body).includes(SHA256), 'no digest');
    return body;
  };
  const find = ({ settings }: ConfigReport, key: string) => {
    const found = settings.filter((setting) => setting.key === key);
    t.ok(found.length <= 1, `${key} is there once`);
    return found[0];
  };
  const hup = async (message: string) => {
    const logged = () => daemon.log.filter(({ msg }) => msg.startsWith(message)).length;
    const before = logged();
    daemon.process.kill('SIGHUP');
    await eventually(() => logged() > before, message);
  };

  await t.test('each value and where it comes from', async (t) => {
    await daemon.rest('PUT', '/v1/quotas/user/1234', { bytes: null, priority: 3 });
    await daemon.rest('PUT', '/v1/quotas/daemon/default', { bytes: 2 ** 31 });
    const now = await report();
    t.match(now, { file, error: null, state_folder: join(daemon.folder, 'state') });
    const expected: [string, unknown, ConfigSetting['from'], number | null][] = [
      ['clients.socket', daemon.clientSocket, 'command_line', null],
      ['clients.mode', '0666', 'default', null],
      ['clients.group', null, 'default', null],
      ['log.level', 'debug', 'command_line', null],
      ['rest.rate_limit', 500, 'file', 3],
      ['rest.tcp.listen', '127.0.0.1:0', 'file', 5],
      ['rest.tcp.tokens_file', tokens, 'file', 6],
      ['policy.reader', { users: [61_001], groups: [] }, 'file', 16],
      ['policy.operator', { users: [], groups: [] }, 'default', null],
      [
        'policy.rules',
        [{ users: [61_002], groups: [], share: { users: [], groups: [5] } }],
        'file',
        17,
      ],
      ['quotas.recall_seconds', 10, 'default', null],
      ['quotas.reserve', 0.2, 'file', 9],
      ['quotas.daemon.bytes', 2 ** 31, 'rest', null],
      ['quotas.users.0.fds', 77, 'file', 12],
      ['quotas.cgroups."/user.slice".buffers', 'none', 'file', 14],
      ['quotas.users.1234.bytes', 'none', 'rest', null],
      ['quotas.users.1234.priority', 3, 'rest', null],
    ];
    for (const [key, value, from, line] of expected) {
      t.same(find(now, key), { key, value, from, line, after_restart: null }, key);
    }
    t.match(find(now, 'quotas.daemon.fds'), { value: Number, from: 'default' });
    t.same(now.tokens, [
      { name: 'grafana', role: 'reader', preview: false, expires_at: '2099-01-01T00:00:00.000Z' },
    ]);
  });

  await t.test('the log level of now', async (t) => {
    await daemon.rest('PUT', '/v1/log-level', { level: 'info' });
    const after_restart = { value: 'debug', from: 'command_line', line: null };
    const level = { key: 'log.level', value: 'info', from: 'rest', line: null, after_restart };
    t.same(find(await report(), 'log.level'), level);
  });

  await t.test('what SIGHUP changes, and what it leaves to a restart', async (t) => {
    const second = FIRST(tokens)
      .replace('rate_limit = 500', 'rate_limit = 600')
      .replace('[quotas.users.root]\nfds = 77', '[quotas.users.root]\npending = 5')
      .replace('61001', '61009');
    writeFileSync(file, second);
    await hup('the configuration was read again');
    const now = await report();
    t.match(find(now, 'policy.reader'), { value: { users: [61_009] }, after_restart: null });
    t.match(find(now, 'rest.rate_limit'), {
      value: 500,
      after_restart: { value: 600, from: 'file', line: 3 },
    });
    t.equal(find(now, 'quotas.users.0.fds'), undefined);
    t.match(find(now, 'quotas.users.0.pending'), { value: 5, from: 'file', line: 12 });
    const { body: root } = await daemon.rest('GET', '/v1/quotas/user/0');
    t.match(root.settings, { pending: { value: 5, from: 'configuration' } }, 'it is in force');
    t.notMatch(root.settings.fds, { value: 77 });
    const level = await daemon.rest('GET', '/v1/log-level');
    t.match(level.body, { level: 'debug' }, 'what REST had set is over');
    t.match(find(now, 'log.level'), { value: 'debug', after_restart: null });
    const warned = daemon.log.find(({ msg }) => msg.startsWith('it takes a restart'));
    t.same(warned?.pending, ['rest.rate_limit']);
    const { stdout } = await ctl(['--socket', daemon.restSocket, 'config']);
    const [first = '', later = ''] = stdout.split('after a restart:');
    t.match(first, /^rest\.rate_limit +500 +line 3$/m);
    t.match(later, /^rest\.rate_limit +600 +line 3$/m);
    t.match(stdout, /^grafana +reader +no +2099-01-01T00:00:00\.000Z$/m);
  });

  await t.test('a file that was not taken', async (t) => {
    writeFileSync(file, '[rest]\nrate_limit = -1\n');
    await hup('the configuration was not taken');
    const now = await report();
    t.match(now.error, /:2: rest\.rate_limit must be >= 0/);
    t.match(find(now, 'rest.rate_limit'), { value: 500, after_restart: { value: 600 } });
    const { stdout } = await ctl(['--socket', daemon.restSocket, 'config']);
    t.match(stdout, /^not taken: .*rate_limit must be >= 0$/m);
    writeFileSync(file, FIRST(tokens));
    await hup('the configuration was read again');
    t.equal((await report()).error, null);
  });
});
