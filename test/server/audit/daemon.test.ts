/**
 * The audit of a whole daemon: one line for each act that it was asked
 * for, and no secret of a token anywhere in what it wrote.
 */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import { eventually, type LogLine, TestDaemon } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';
import { rejected } from '../../support/refused.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const picture = {
  kind: 'image',
  width: 4,
  height: 2,
  format: 'XR24',
  handleTypes: ['memfd'],
} as const;

async function start(t: Test, log: string): Promise<TestDaemon> {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  const rule = `[[policy.rules]]\nimport = false\nplacements = ["any"]\n`;
  writeFileSync(file, `[log]\n${log}\n[leases]\ngrace_seconds = 0\n${rule}`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  return daemon;
}

/** Does everything that an audit tells, and returns the secrets that were issued. */
async function everything(daemon: TestDaemon): Promise<string[]> {
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const buffer = await client.allocate({ ...picture, lifetime: { lease: 100 } });
  const secrets = [await buffer.share(), await buffer.share({ mayRenew: true })];
  const other = await connect({ socket: daemon.clientSocket, reconnect: false });
  const redeemed = await other.redeem(secrets[0] ?? '');
  await rejected(other.redeem(secrets[0] ?? ''));
  await rejected(other.redeem('made-up-secret'));
  await rejected(redeemed.renew(10));
  await buffer.renew(200);
  await rejected(client.allocate({ ...linear, placement: 'host_visible' }));
  const short = await client.allocate({ ...linear, lifetime: { lease: 1 } });

  const rest = async (method: string, path: string, body?: unknown) => {
    const answer = await daemon.rest(method, path, body);
    const token = answer.body?.token?.token ?? answer.body?.token;
    if (typeof token === 'string') secrets.push(token);
    return answer.body;
  };
  const path = `/v1/buffers/${buffer.id}`;
  const { buffer: made } = await rest('POST', '/v1/buffers', {
    kind: 'buffer',
    size: 64,
    handle_types: ['memfd'],
  });
  const { id: token } = await rest('POST', `${path}/tokens`, {});
  await rest('DELETE', `${path}/tokens/${token}`);
  await rest('DELETE', `${path}/tokens/${token}`);
  await rest('PATCH', path, { name: 'cursor' });
  await rest('POST', `${path}/extend`, { seconds: 300 });
  await rest('POST', `/v1/buffers/${made.id}/extend`, { seconds: 300 });
  await rest('POST', `${path}/recall`, { seconds: 5 });
  await daemon.rest('GET', `/v1/buffers/${made.id}/preview.png`);
  await pictureOf(daemon, buffer.id);
  await rest('POST', '/v1/buffers/aaaaaaaaaaaa/reissue');
  await rest('PUT', '/v1/quotas/user/7', { bytes: 1 });
  await rest('DELETE', `/v1/buffers/${made.id}`);
  await rest('PUT', '/v1/log-level', { level: 'debug' });
  const [, second] = await daemon.clients();
  await rest('DELETE', `/v1/clients/${second?.id}`);
  await eventually(async () => (await daemon.clients()).length === 1, 'the other one has gone');
  await rest('DELETE', '/v1/clients/c999');
  await foreign(daemon);
  await eventually(() => short.released !== null, 'the lease runs out');
  await buffer.release();
  client.close();
  other.close();
  return secrets;
}

const get = (daemon: TestDaemon, path: string, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    const options = { socketPath: daemon.restSocket, path, headers, agent: false };
    const outgoing = request(options, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.once('error', reject).end();
  });

async function pictureOf(daemon: TestDaemon, id: string): Promise<void> {
  const path = `/v1/buffers/${id}/preview.png`;
  if ((await get(daemon, path, { host: 'localhost' })) !== 200) throw new Error('no picture');
}

/** What a browser's page would send. */
async function foreign(daemon: TestDaemon): Promise<void> {
  const headers = { host: 'localhost', origin: 'http://example.org' };
  if ((await get(daemon, '/v1/buffers', headers)) !== 403) throw new Error('it was let in');
}

const audit = ({ log }: TestDaemon): LogLine[] =>
  log.filter(({ component }) => component === 'audit');

t.test('one line for each act; no secrets', async (t) => {
  const daemon = await start(t, 'audit = true');
  const secrets = await everything(daemon);
  await eventually(() => audit(daemon).some(({ act }) => act === 'release'), 'all is told');
  const uid = process.getuid?.();
  const mine = { uid, pid: process.pid, rest: false };
  const byRest = { uid, pid: process.pid, client: null, rest: true };
  const seen = audit(daemon).map(({ act, who, code }) => ({ act, who, code }));
  const found = (rest: boolean | null) =>
    seen
      .filter(({ who }) => ((who as { rest: boolean } | null)?.rest ?? null) === rest)
      .map(({ act, code }) => (code === undefined ? act : `${act} ${code}`))
      // What the server itself refuses or does is told at once, the rest 20 ms later at most.
      .sort();
  const byClient = [
    'grant',
    'share',
    'share',
    'redeem',
    'refusal invalid_token',
    'refusal invalid_token',
    'refusal permission_denied',
    'renew',
    'refusal permission_denied',
    'grant',
    'release',
  ];
  const overRest = [
    'grant',
    'share',
    'share',
    'revoke',
    'refusal not_found',
    'rename',
    'renew',
    'refusal invalid_argument',
    'recall',
    'refusal unsupported_format',
    'preview',
    'refusal not_found',
    'set_quota',
    'forced_release',
    'set_log_level',
    'disconnect',
    'refusal not_found',
    'refusal origin_refused',
  ];
  t.same(found(false), byClient.sort());
  t.same(found(true), overRest.sort());
  t.same(found(null), ['forced_release', 'recall'], 'by itself: the lease that ran out');
  for (const { who } of seen) if (who !== null) t.match(who, rest(who) ? byRest : mine);
  t.match(
    audit(daemon).find(({ act }) => act === 'grant'),
    { level: 30, msg: 'grant', size: Number, format: 'XR24', source: 'memfd', owner: uid },
  );
  t.ok(secrets.length >= 4, `${secrets.length} secrets were issued`);
  const text = JSON.stringify(daemon.log);
  for (const secret of [...secrets, 'made-up-secret']) t.notOk(text.includes(secret));
});

const rest = (who: unknown) => (who as { rest: boolean }).rest;

t.test('it can be done without; no secret in a log that says all', async (t) => {
  const daemon = await start(t, 'audit = false');
  const secrets = await everything(daemon);
  await eventually(() => daemon.log.some(({ msg }) => msg === 'client left'), 'the log goes on');
  t.same(audit(daemon), []);
  const text = JSON.stringify(daemon.log);
  for (const secret of [...secrets, 'made-up-secret']) t.notOk(text.includes(secret));
});

t.test('the daemon stops: nobody has released what ends with it', async (t) => {
  const daemon = await start(t, 'audit = true');
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  for (const lifetime of ['connection', 'until_released'] as const) {
    await client.allocate({ ...linear, lifetime });
  }
  await daemon.stop();
  const ends = audit(daemon).filter(({ act }) => act === 'release' || act === 'forced_release');
  t.match(ends, Array(2).fill({ act: 'forced_release', reason: 'stopped', who: null }));
  t.equal(ends.length, 2);
});
