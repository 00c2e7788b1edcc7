/**
 * docs/containers.md for Flatpak, in the guest: an application of a local repository gets to the machine's daemon and to the
 * user's own, and what the page says of whom these see is so.
 */
import t from 'tap';
import { commands, seeSandboxed } from './sandboxed.js';

t.setTimeout(900_000);

const { values: seen, recipes } = await seeSandboxed(t, 'flatpak.sh');
const json = (text: string | undefined): unknown => JSON.parse(text ?? 'null');
const DREW = 'drew 640x480 pixels';
const UNIT = /^app-flatpak-org\.example\.Client-\d+\.scope$/;

t.test('it takes the permission', async (t) => {
  t.match(seen.without, /nobody answers at/);
  t.equal(seen.override, DREW, 'of whoever uses it');
  t.equal(seen.finished, DREW, 'or its own');
});

t.test('the daemon sees the user with all groups, and the application’s unit', async (t) => {
  t.match(json(seen.seen), {
    uid: 1001,
    unit: UNIT,
    slice: 'app.slice',
    container: null,
    executable: 'dmabroker-examp',
  });
  t.ok((json(seen.seen) as { groups: number[] }).groups.includes(Number(seen.group)));
  const { complete, units } = json(seen.holders) as { complete: boolean; units: string[] };
  t.equal(complete, true);
  t.equal(units.length, 1);
  t.match(units[0], UNIT);
  t.match(
    seen.limit,
    /^the cgroup \S*\/app-flatpak-org\.example\.Client-\d+\.scope may have 1048576$/,
    'a quota of each run',
  );
});

t.test('tokens go out and in, and it is the same memory', async (t) => {
  t.match(seen.outward, /^[0-9a-f]{64} /);
  t.equal(seen.inward, seen.outward, 'the same program has drawn both');
});

t.test('the user’s own daemon comes first', async (t) => {
  t.match(seen.own, UNIT);
});

t.test('each command of the page was run', async (t) => {
  const flatpaks = commands().filter((command) => command.startsWith('flatpak '));
  t.same([...recipes].sort(), flatpaks.sort());
});
