/** What fits together of records and fds is found, whatever order they are in; the rest is named and let go of. */
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer } from '../../../src/broker/buffer.js';
import { keptMemory } from '../../../src/broker/kept.js';
import { findKept, type NamedFd } from '../../../src/server/kept/found.js';
import { memoryRecord, stateRecord } from '../../../src/server/kept/records.js';
import { FakeWorld, memfd, offers, peer, request } from '../../broker/support/world.js';

/** The records of buffers, by the identities of their memories. */
function recordsOf(buffers: readonly (readonly string[])[]) {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const kept = buffers.map((identities) => {
    const owner = { client: null, peer };
    broker.allocate(owner, request({ lifetime: 'until_released' }), () => {});
    world.answer(0, identities.length, { identities });
    const buffer = [...broker.buffers].at(-1) as BrokerBuffer;
    return { memory: keptMemory(buffer), state: broker.keptState(buffer) };
  });
  let slot = 0;
  const stored = kept.flatMap(({ memory, state }) =>
    [memoryRecord(memory), stateRecord(memory.id, state)].map((bytes) => {
      return { slot: slot++, order: slot, told: true, bytes };
    }),
  );
  return { ids: kept.map(({ memory }) => memory.id), stored };
}

/** fds whose file is what `files` says, by number. */
function find(
  stored: ReturnType<typeof recordsOf>['stored'],
  files: readonly (readonly [name: string, identity: string])[],
) {
  const identities = files.map(([, identity]) => identity);
  const named: NamedFd[] = files.map(([name], fd) => ({ name, fd }));
  const found = findKept(stored, named, {
    identity: (fd) => identities[fd] ?? '',
    dmaBuf: () => null,
    duplicate: (fd) => identities.push(identities[fd] ?? '') - 1,
  });
  const fds = found.buffers.flatMap((each) => each.fds ?? []);
  const all = [...fds, ...found.stray.map(({ fd }) => fd)].sort((a, b) => a - b);
  t.same(all, [...identities.keys()], 'each fd is one buffer’s, or let go of');
  const have = found.buffers.map(({ memory, fds }) => [
    memory.id,
    fds?.map((fd) => identities[fd]) ?? null,
  ]);
  return { ...found, have };
}

t.test('each its own, in any order', async (t) => {
  const { ids, stored } = recordsOf([['x', 'y'], ['z']]);
  const [a, b] = ids as [string, string];
  const files = [
    [`${b}-0`, 'z'],
    [`${a}-1`, 'y'],
    [`${a}-0`, 'x'],
  ] as const;
  const { have, forgotten, problems } = find([...stored].reverse(), files);
  t.same(
    new Map(have as [string, string[]][]),
    new Map([
      [a, ['x', 'y']],
      [b, ['z']],
    ]),
  );
  t.same([forgotten, problems], [[], []]);
});

t.test('a part that is missing, and strange ones', async (t) => {
  const { ids, stored } = recordsOf([['x', 'y']]);
  const [a] = ids as [string];
  const { have, forgotten, problems } = find(stored, [
    [`${a}-0`, 'x'],
    ['strange', 's'],
  ]);
  t.same(have, [[a, null]]);
  t.same(forgotten, [`${a}-0`, 'strange']);
  t.match(problems, [/its memory was not kept/]);
});

t.test('names that were exchanged, and another file under a name', async (t) => {
  const { ids, stored } = recordsOf([['x'], ['y'], ['z']]);
  const [a, b, c] = ids as [string, string, string];
  const { have, buffers, forgotten } = find(stored, [
    [`${a}-0`, 'y'],
    [`${b}-0`, 'x'],
    [`${c}-0`, 'other'],
  ]);
  t.same(
    have,
    [
      [a, ['x']],
      [b, ['y']],
      [c, null],
    ],
    'by their files',
  );
  t.same(
    buffers.flatMap(({ stored }) => stored.map(({ named }) => named)),
    [false, false],
  );
  t.same(forgotten, [`${a}-0`, `${b}-0`, `${c}-0`]);
});

t.test(
  'two of the same memory, of which the store has one, and two files of one name',
  async (t) => {
    const { ids, stored } = recordsOf([['x'], ['x'], ['z']]);
    const [a, b, c] = ids as [string, string, string];
    const { have, forgotten } = find(stored, [
      [`${b}-0`, 'x'],
      [`${c}-0`, 'old'],
      [`${c}-0`, 'z'],
    ]);
    t.same(have, [
      [a, ['x']],
      [b, ['x']],
      [c, ['z']],
    ]);
    t.same(forgotten, [], 'a name that is a buffer’s stays');
  },
);

t.test('older records, halves and nonsense', async (t) => {
  const { ids, stored } = recordsOf([['x'], ['y']]);
  const [first, ...rest] = stored;
  if (first === undefined) throw new Error('there are no records');
  const whole = JSON.parse(first.bytes.toString()) as Record<string, unknown>;
  const lacking = Object.keys(whole).map((key, i) => {
    const { [key]: _, ...others } = whole;
    const bytes = Buffer.from(JSON.stringify({ ...others, ...(key !== 'id' && { id: `n${i}` }) }));
    return { slot: 100 + i, order: 100 + i, told: true, bytes };
  });
  const older = { ...first, slot: 50, order: 0 };
  const found = find([older, ...rest.slice(0, 2), ...lacking, first], [[`${ids[0]}-0`, 'x']]);
  t.same(found.have, [[ids[0], ['x']]]);
  t.equal(found.problems.length, lacking.length, 'whatever it lacks, it is left out and named');
  t.same(
    [...found.stale].sort((a, b) => a - b),
    [2, 50, ...lacking.map(({ slot }) => slot)],
    'the older one, and a memory without a state, are the past',
  );
});
