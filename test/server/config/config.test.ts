/** The configuration file: what it may say, and that every mistake is named by its line or key. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CLIENT_SOCKET, daemonSocket, REST_SOCKET } from '../../../src/protocol/paths.js';
import { loadAjv } from '../../../src/server/config/ajv.js';
import { tablesOf } from '../../../src/server/config/command-line.js';
import { type Config, configOf, loadConfig } from '../../../src/server/config/config.js';
import { ConfigError } from '../../../src/server/config/config-error.js';
import { parseConfig, type Tables } from '../../../src/server/config/file.js';
import { thisMachine } from '../../../src/server/config/machine.js';
import { FakeClock } from '../../support/clock.js';
import { temporaryFolder } from '../../support/folder.js';

await loadAjv();

const clock = new FakeClock();

const full = `
[clients]
socket = "/run/x/client.sock"
mode = "0666"
group = "video"
[rest]
socket = "/run/x/rest.sock"
mode = "0600"
rate_limit = 7
[device]
select = "226:128"
[log]
level = "warn"
audit = false
audit_when_full = "block"
[accounting]
unknown_grace_seconds = 5
charge = "importers"
trusted_bytes = "1M"
[leases]
grace_seconds = 7.5
[pool]
bytes = "8M"
device_bytes = "3G"
spares_per_spec = 2
idle_seconds = 5
`;

const quotas = {
  sources: { fallback: ['dma-heap:system', 'udmabuf'] },
  displays: { ask: [] },
  restart: { graceSeconds: 30, keeper: '/run/dmabroker-keeper.sock' },
  quotas: { rules: new Map(), recallSeconds: 10 },
  holders: { socket: '/run/dmabroker-holders.sock' },
  leaks: { forgottenAfterSeconds: 3600, sampleSeconds: 60 },
  pressure: { psiSomeAvg10: 10, heapBudget: 0.9, deadlineSeconds: 10 },
};
const pool = { bytes: 8 * 1024 * 1024, deviceBytes: 3 * 2 ** 30, sparesPerSpec: 2, idleSeconds: 5 };

const poolOf = (pool: Tables['pool'] & {}, memory?: number) =>
  configOf([{ pool }], { ...thisMachine(), ...(memory !== undefined && { memory }) }).pool;

/** It depends on the machine's users: policy-config.test.ts. */
const withoutPolicy = ({ policy: _, ...rest }: Config) => rest;

t.test('without a file', async (t) => {
  t.same(withoutPolicy((await loadConfig(null, {}, clock)).config), {
    clients: { socket: daemonSocket(CLIENT_SOCKET), mode: 0o666, group: null },
    rest: { socket: daemonSocket(REST_SOCKET), mode: 0o660, group: null, rateLimit: 10_000 },
    restTcp: { listen: null, tokensFile: null },
    device: { select: null },
    log: { level: 'info', audit: true, auditWhenFull: 'drop' },
    accounting: { unknownGraceSeconds: 60, charge: 'owner', trustedBytes: 2 ** 28 },
    leases: { graceSeconds: 5 },
    pool: poolOf({}),
    ...quotas,
  });
});

t.test('with one, and what the command line says before it', async (t) => {
  const path = join(temporaryFolder(t), 'dmabroker.toml');
  writeFileSync(path, full);
  const config = {
    clients: { socket: '/run/x/client.sock', mode: 0o666, group: 'video' },
    rest: { socket: '/run/x/rest.sock', mode: 0o600, group: null, rateLimit: 7 },
    restTcp: { listen: null, tokensFile: null },
    device: { select: '226:128' },
    log: { level: 'warn', audit: false, auditWhenFull: 'block' },
    accounting: { unknownGraceSeconds: 5, charge: 'importers', trustedBytes: 2 ** 20 },
    leases: { graceSeconds: 7.5 },
    pool,
    ...quotas,
  };
  t.same(withoutPolicy((await loadConfig(path, {}, clock)).config), config);
  const commandLine = tablesOf({
    socket: '/a',
    restSocket: '/b',
    device: 'llvmpipe',
    logLevel: 'debug',
    poolBytes: 0,
  });
  t.same(withoutPolicy((await loadConfig(path, commandLine, clock)).config), {
    clients: { ...config.clients, socket: '/a' },
    rest: { ...config.rest, socket: '/b' },
    restTcp: { listen: null, tokensFile: null },
    device: { select: 'llvmpipe' },
    log: { ...config.log, level: 'debug' },
    accounting: { unknownGraceSeconds: 5, charge: 'importers', trustedBytes: 2 ** 20 },
    leases: { graceSeconds: 7.5 },
    pool: { ...pool, bytes: 0 },
    ...quotas,
  });
  writeFileSync(path, '# nothing\n');
  t.same((await loadConfig(path, {}, clock)).config, (await loadConfig(null, {}, clock)).config);
  await t.rejects(loadConfig(`${path}.not`, {}, clock), {
    name: 'ConfigError',
    message: /cannot be read \(ENOENT: .*: without settings it may be empty$/,
  });
});

const mistakes: [string, RegExp][] = [
  ['[rest]\nrate_limit = -1\n', /rest\.rate_limit must be >= 0/],
  ['[clients]\nrate_limit = 1\n', /unknown key clients\.rate_limit/],
  ['[clients\n', /^f:1:\d+: /],
  ['\n\nmode = \n', /^f:3:\d+: /],
  ['[log]\nlevel = "info"\nlevel = "warn"\n', /^f:3:\d+: /],
  ['color = 1', /^f:\d+: unknown key color$/],
  ['[clients]\nsockets = "/x"', /^f:\d+: unknown key clients\.sockets$/],
  [
    '[clients]\nsocket = "relative"',
    /^f:\d+: clients\.socket must be a path that begins with \/, and is "relative"$/,
  ],
  [`[rest]\nsocket = "/${'x'.repeat(107)}"`, /^f:\d+: rest\.socket must NOT have more than 107/],
  ['[clients]\nmode = 432', /^f:\d+: clients\.mode must be string$/],
  ['[clients]\nmode = "660"', /^f:\d+: clients\.mode must be octal digits, as "0660", and is /],
  ['[clients]\nmode = "0888"', /^f:\d+: clients\.mode must be octal digits, as "0660", and is /],
  ['[clients]\ngroup = ""', /^f:\d+: clients\.group must NOT have fewer than 1/],
  ['clients = "x"', /^f:\d+: clients must be object$/],
  ['[device]\nselect = ""', /^f:\d+: device\.select must NOT have fewer/],
  [
    '[accounting]\nunknown_grace_seconds = -1',
    /^f:\d+: accounting\.unknown_grace_seconds must be >= 0$/,
  ],
  [
    '[pool]\nbytes = "none"',
    /^f:2: pool\.bytes must be bytes, or a string with K, M, G or T, and is "none"$/,
  ],
  ['[pool]\nbytes = -1', /^f:2: pool\.bytes must be >= 0$/],
  ['[pool]\nspares_per_spec = 65', /^f:2: pool\.spares_per_spec must be <= 64$/],
  ['[pool]\nidle_seconds = 0', /^f:2: pool\.idle_seconds must be >= 1$/],
  ['[log]\nlevel = "loud"', /^f:\d+: log\.level .*: debug, info, warn, error$/],
];

t.test('the pool has a part of the memory, which is bounded', async (t) => {
  const gib = 2 ** 30;
  t.same(poolOf({}, 4 * gib), {
    bytes: gib / 16,
    deviceBytes: null,
    sparesPerSpec: 3,
    idleSeconds: 30,
  });
  t.equal(poolOf({}, 4096 * gib).bytes, gib / 4);
  t.equal(poolOf({ bytes: '1G' }, gib).bytes, gib);
  t.equal(poolOf({ bytes: 0 }, gib).bytes, 0);
});

t.test('mistakes', async (t) => {
  for (const [text, message] of mistakes) {
    t.throws(() => parseConfig(text, 'f'), { name: 'ConfigError', message }, JSON.stringify(text));
  }
  t.ok(new ConfigError('x') instanceof Error);
});
