/**
 * A restart loses nothing, as users have it: systemd's own store and sockets, the package, and clients that never pause
 * while the daemon ends in every way (restart/judge.ts): 8 of them in the gate, and two more ends by SIGKILL; by night
 * 20, and 200 ends.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { nextVersion, sharedDeb } from '../package/support/deb.js';
import { atNight } from '../support/night.js';
import { runInGuest } from '../vm/vm.js';

t.setTimeout(3_600_000);
const KILLS = atNight(2, 200);
const CLIENTS_EACH = atNight(2, 5);

interface Seen {
  readonly way: string;
  readonly wrong: readonly string[];
  readonly reconnected?: number;
  readonly down?: { readonly median: number; readonly longest: number };
}

// The guest sees the checkout alone.
mkdirSync(join(packageRoot, 'build'), { recursive: true });
const folder = mkdtempSync(join(packageRoot, 'build/restart-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
sharedDeb(join(folder, 'old.deb'));
nextVersion(join(folder, 'old.deb'), join(folder, 'new.deb'), '99.0.0');

const program = [
  ...['node', 'dist/test/systemd/restart/judge.js'],
  ...[relative(packageRoot, folder), `${KILLS}`, `${CLIENTS_EACH}`],
];
const options = { systemd: true, timeoutSeconds: KILLS * 20 + 400 };
const { status, stdout, stderr } = await runInGuest(program, options);
t.equal(status, 0, stderr);
const seen = stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line): Seen => JSON.parse(line));

for (const { way, wrong } of seen) t.same(wrong, [], way);
t.equal(seen.filter(({ way }) => way === 'SIGKILL').length, KILLS);
t.equal(seen.length, KILLS + 6, 'and in five other ways, and what is left at the end');
const { down } = seen.at(-1) ?? {};
t.comment(`without a daemon: ${down?.median} ms, ${down?.longest} ms at most`);
