/**
 * The Rust library (clients/rust), compiled by Debian 13's cargo: its format, clippy, its own tests and the programs that its page
 * shows, with a daemon, and a daemon that is killed; and the conformance scenarios, with memfds.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { play, RUST } from '../conformance/support/play.js';
import { lineOf, placesOf, start } from '../libdmabroker/support.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { isNight } from '../support/night.js';
import { ServiceManager } from '../support/service-manager.js';
import { build, cargo, MOVING, mirror } from './cargo.js';

t.setTimeout(240_000);

t.before(build);

t.test('what cargo has is what the checkout has, and what has not changed is not touched', (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)];
  mkdirSync(join(from, 'src'));
  for (const name of ['same.rs', 'changed.rs', 'gone.rs'])
    writeFileSync(join(from, 'src', name), '');
  mirror(from, to);
  const file = (name: string) => join(to, 'src', name);
  for (const name of readdirSync(join(to, 'src'))) utimesSync(file(name), 1, 1);
  writeFileSync(join(to, 'Cargo.lock'), 'its own');
  writeFileSync(join(from, 'src/changed.rs'), 'other');
  rmSync(join(from, 'src/gone.rs'));
  mirror(from, to);
  t.equal(statSync(file('same.rs')).mtimeMs, 1000);
  t.equal(readFileSync(file('changed.rs'), 'utf8'), 'other');
  t.not(statSync(file('changed.rs')).mtimeMs, 1000);
  t.strictSame(readdirSync(to, { recursive: true }).sort(), [
    ...['Cargo.lock', 'src', 'src/changed.rs', 'src/same.rs'],
  ]);
  t.end();
});

t.test('clippy and rustdoc find nothing, and it is formatted', async (t) => {
  const linted = await cargo(['clippy', '--workspace', '--all-targets', '--', '-D', 'warnings']);
  t.equal(linted.status, 0, linted.said);
  const page = ['doc', '--no-deps', '--package', 'dmabroker'];
  const documented = await cargo(page, { RUSTDOCFLAGS: '-D warnings' });
  t.equal(documented.status, 0, documented.said);
  const formatted = await cargo(['fmt', '--all', '--', '--check']);
  t.equal(formatted.status, 0, formatted.said);
});

t.test('its tests, with a daemon', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const places = {
    DMABROKER_SOCKET: daemon.clientSocket,
    DMABROKER_TEST_PID: String(daemon.pid),
  };
  // Each program of the page is compiled anew each time, a second each: by night.
  for (const what of [['--lib', '--tests'], ['--doc']].slice(0, isNight ? 2 : 1)) {
    const words = ['test', '--package', 'dmabroker', ...what, '--', '--include-ignored'];
    const { status, said } = await cargo(words, places);
    t.equal(status, 0, said);
    t.match(said, /^test result: ok\. [1-9]/m);
  }
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'the daemon found nothing wrong with itself');
});

t.test('all scenarios', async (t) => {
  const daemon = await OwnDaemon.start(withoutVulkan);
  t.teardown(() => daemon.stop());
  await play(t, { drivers: [RUST], daemon, without: ['dma_buf', 'lose', 'udmabuf'] });
});

/** Its daemon is killed, and another one is started at the same place. */
async function moved(begin: (folder?: string) => Promise<TestDaemon>): Promise<string> {
  const first = await begin();
  const moving = start(MOVING, [], placesOf(first));
  t.equal(await lineOf(moving), 'ready');
  await first.end('SIGKILL');
  const second = await begin(first.folder);
  moving.stdin.end('\n');
  const { status, stdout, stderr } = await moving.ended;
  t.equal(status, 0, stderr);
  t.equal(stderr, '', 'the crates that it is over say nothing of the end');
  await second.stop();
  return stdout;
}

// In the gate the daemon has what was kept, which takes more of both.
if (isNight)
  t.test('a daemon that is killed, and one that knows nothing', async (t) => {
    const begin = (folder?: string) =>
      TestDaemon.start([], {
        env: withoutVulkan,
        ...(folder !== undefined && { folder, awaited: true }),
      });
    t.match(await moved(begin), /^ended: .*\ngone: [a-z_]+\n$/m);
  });

t.test('a daemon that is killed, and one that has what was kept', async (t) => {
  const manager = new ServiceManager(t);
  const said = await moved(() => manager.start([], { env: withoutVulkan }));
  t.match(said, /^ended: .*\nAdopted\n$/m);
});
