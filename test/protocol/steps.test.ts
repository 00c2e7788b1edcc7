/** docs/client-in-20-steps.md: there are twenty, and each request, event and enum in it is in the XML. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import * as wayland from '../../src/protocol/wayland.gen.js';
import type { Interface } from '../../src/protocol/wire.js';

const page = readFileSync(join(packageRoot, 'docs/client-in-20-steps.md'), 'utf8');
const spans = [...new Set([...page.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span))];
const all: readonly Interface[] = [...Object.values(dmabroker), ...Object.values(wayland)];

/** Members of the JSON of a refusal (docs/errors.md), and halves of names. */
const OTHERS = ['constraint', 'requested', 'possible', 'nearest', 'truncated', '_hi', '_lo'];

const membersOf = (each: Interface): string[] => [
  ...[...each.requests, ...each.events].map(({ name }) => name),
  ...Object.keys((each as { enums?: object }).enums ?? {}),
];
const entries = all.flatMap((each) =>
  Object.values((each as { enums?: Record<string, object> }).enums ?? {}).flatMap(Object.keys),
);
const short = new Set([...all.map(({ name }) => name), ...all.flatMap(membersOf), ...entries]);

t.test('twenty steps, numbered', async (t) => {
  const numbers = [...page.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => Number(number));
  t.same(
    numbers,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

t.test('each name of the protocol is in the XML', async (t) => {
  const names = spans.filter((span) => /^[a-z_]\w*(\.\w+)?$/.test(span) && !OTHERS.includes(span));
  t.ok(names.length > 60);
  for (const name of names) {
    const [first = '', member] = name.split('.');
    const owner = all.find((each) => each.name === first);
    if (member === undefined) t.ok(short.has(name), name);
    else t.ok(owner !== undefined && membersOf(owner).includes(member), name);
  }
});

t.test(
  'no interface of ours is left out, but for the dry run’s, which is named by its request',
  async (t) => {
    for (const { name } of Object.values(dmabroker)) {
      if (name !== 'dmabroker_test_v1') t.ok(page.includes(`\`${name}`), name);
    }
  },
);
