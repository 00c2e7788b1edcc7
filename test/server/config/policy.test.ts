/** The section `policy`: names become numbers, defaults, and mistakes with their key. */
import t from 'tap';
import { loadAjv } from '../../../src/server/config/ajv.js';
import { parseConfig } from '../../../src/server/config/file.js';
import type { Names } from '../../../src/server/config/machine.js';
import { policyConfig } from '../../../src/server/config/policy.js';

await loadAjv();

const users: Record<string, number> = { root: 0, alice: 1000 };
const groups: Record<string, number> = { dmabroker: 990, 'dmabroker-admin': 991, video: 44 };
const names: Names = {
  user: (name) => users[name] ?? null,
  group: (name) => groups[name] ?? null,
};
const OWN = 500;

t.test('defaults', async (t) => {
  t.same(policyConfig({}, names, OWN), {
    connect: { uids: [], gids: [990] },
    admin: { uids: [0, OWN], gids: [991] },
    operator: { uids: [], gids: [] },
    reader: { uids: [], gids: [] },
    preview: { uids: [], gids: [] },
    owner: { uids: [], gids: [990] },
    rules: [],
    groupNames: new Map([
      [991, 'dmabroker-admin'],
      [990, 'dmabroker'],
    ]),
  });
  const none: Names = { user: () => null, group: () => null };
  t.match(policyConfig({}, none, OWN), { connect: { gids: [] }, admin: { uids: [OWN] } });
});

t.test('a file', async (t) => {
  const { policy = {} } = parseConfig(
    `[policy]
connect = { groups = ["video", 7], users = ["alice"] }
[[policy.rules]]
users = ["alice"]
sources = ["memfd"]
placements = ["any"]
import = false
share = { groups = ["video"] }
[[policy.rules]]
share = "same_user"
`,
    'f',
  );
  t.match(policyConfig(policy, names, OWN), {
    connect: { uids: [1000], gids: [44, 7] },
    rules: [
      {
        who: { uids: [1000], gids: [] },
        sources: ['memfd'],
        placements: ['any'],
        import: false,
        share: { uids: [], gids: [44] },
      },
      { who: null, share: 'same_user' },
    ],
  });
});

t.test('owners: whoever may connect, or who is named, or nobody', async (t) => {
  const connect = { users: ['alice'] };
  const ownerOf = (owner?: { users?: string[]; groups?: string[] }) =>
    policyConfig({ connect, ...(owner && { owner }) }, names, OWN).owner;
  t.same(ownerOf(), { uids: [1000], gids: [] });
  t.same(ownerOf({ groups: ['video'] }), { uids: [], gids: [44] });
  t.same(ownerOf({}), { uids: [], gids: [] });
});

t.test('mistakes', async (t) => {
  const rule = (key: string) => `[policy]\n[[policy.rules]]\n\n${key}\n`;
  const wrong: [string, RegExp][] = [
    ['[policy]\nconect = {}', /^f:2: unknown key policy\.conect$/],
    [rule('users = "alice"'), /^f:4: policy\.rules\.0\.users must be array$/],
    [rule('share = "friends"'), /^f:4: policy\.rules\.0\.share .*anyone, same_user, nobody$/],
    [rule('placements = ["moon"]'), /^f:4: policy\.rules\.0\.placements\.0 .*host_cached$/],
    [
      rule('sources = ["udmabuff"]'),
      /^f:4: policy\.rules\.0\.sources\.0 must be vulkan, .*, and is "udmabuff"$/,
    ],
    [rule('sources = ["vulkan", "dma-heap"]'), /^f:4: policy\.rules\.0\.sources\.1 /],
    [rule('import = 1'), /^f:4: policy\.rules\.0\.import must be boolean$/],
  ];
  for (const [text, message] of wrong) t.throws(() => parseConfig(text, 'f'), { message }, text);
  t.throws(() => policyConfig({ connect: { users: ['nobody-here'] } }, names, OWN), {
    message:
      /^policy\.connect\.users: this machine has no user nobody-here \(getent passwd nobody-here\)/,
  });
  t.throws(() => policyConfig({ rules: [{ groups: ['gone'] }] }, names, OWN), {
    message: /^policy\.rules\.0\.groups: this machine has no group gone/,
  });
});
