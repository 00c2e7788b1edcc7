/** `[quotas]` and `[pressure]`: rules from TOML, and mistakes that are named. */
import t from 'tap';
import { loadAjv } from '../../../src/server/config/ajv.js';
import { parseConfig } from '../../../src/server/config/file.js';
import { quotaRules } from '../../../src/server/config/quotas.js';

await loadAjv();

const TEXT = `
[quotas]
reserve = 0.2
[quotas.daemon]
bytes = "8G"
[quotas.default_user]
bytes = "512M"
allocations_per_second = 0.5
[quotas.users.alice]
weight = 3
bytes = "none"
[quotas.users.1001]
fds = 5
[quotas.groups.video]
bytes = "4G"
[quotas.groups.1005]
pending = 3
[quotas.cgroups."/user.slice/*"]
buffers = "7"
priority = -1
[quotas.sources."vulkan:1"]
fds = 7
[quotas.sources."dma-heap:system"]
bytes = 4096
[quotas.connection]
pending = 8
`;

t.test('rules', async (t) => {
  const rules = quotaRules(parseConfig(TEXT, 'f').quotas ?? {}, {
    user: () => 1000,
    group: () => 44,
  });
  t.same(Object.fromEntries(rules), {
    'daemon/default': { bytes: 8 * 2 ** 30, reserve: 0.2 },
    'user/default': { bytes: 2 ** 29, allocationsPerSecond: 0.5 },
    'connection/default': { pending: 8 },
    'user/1001': { fds: 5 },
    'user/1000': { bytes: null, weight: 3 },
    'group/44': { bytes: 4 * 2 ** 30 },
    'group/1005': { pending: 3 },
    'cgroup//user.slice/*': { buffers: 7, priority: -1 },
    'source/vulkan:1': { fds: 7 },
    'source/dma-heap:system': { bytes: 4096 },
  });
  const nobody = { user: () => null, group: () => null };
  t.throws(
    () => quotaRules({ users: { bob: {} } }, nobody),
    /^quotas\.users\.bob: .* has no user bob/,
  );
  t.throws(() => quotaRules({ groups: { team: {} } }, nobody), {
    message: /^quotas\.groups\.team: .* has no group team/,
  });
});

const mistakes: [text: string, message: RegExp][] = [
  ['[quotas]\nreserve = 2', /^f:2: quotas\.reserve must be <= 1$/],
  [
    '[quotas.default_user]\nbytes = "1X"',
    /^f:2: quotas\.default_user\.bytes must be bytes, .*, or "none", and is "1X"$/,
  ],
  ['[quotas.default_user]\nbytes = -1', /^f:2: quotas\.default_user\.bytes must be >= 0$/],
  ['[quotas.daemon]\nweight = 2', /^f:2: unknown key quotas\.daemon\.weight$/],
  ['[quotas.users.bob]\nweight = 0', /^f:2: quotas\.users\.bob\.weight must be >= 1$/],
  ['[quotas.groups.video]\nweight = 2', /^f:2: unknown key quotas\.groups\.video\.weight$/],
  ['[quotas.groups.video]\npriority = 2', /^f:2: unknown key quotas\.groups\.video\.priority$/],
  ['[quotas.cgroups.foo]\nbytes = 0', /^f:1: unknown key quotas\.cgroups\.foo$/],
  ['[quotas.sources."vulkan:1"]\npending = 1', /^f:2: unknown key .*pending$/],
  ['[quotas.sources."vulkan:x"]\nbytes = 1', /^f:1: unknown key quotas\.sources/],
  ['[pressure]\npsi_some_avg10 = 0', /^f:2: pressure\.psi_some_avg10 must be > 0$/],
];

t.test('mistakes', async (t) => {
  for (const [text, message] of mistakes) {
    t.throws(() => parseConfig(text, 'f'), { name: 'ConfigError', message }, JSON.stringify(text));
  }
});
