/**
 * wayland-rs: its scanner generates from the XML, Debian's cargo compiles that with the program of
 * docs/first-fd.md, from Debian's crates and without a network, and it gets its fd.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { cacheFolder } from '../vm/paths.js';
import { layOut, SAID, shown, XML } from './page.js';

const run = promisify(execFile);

/** crates.io is not asked: the crates are those of Debian's librust-… packages. */
const CONFIG = `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
[build]
rustc = "/usr/bin/rustc"
[profile.dev]
debug = false
`;

t.test('the first fd in Rust', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const folder = join(packageRoot, 'build/bindings-rust');
  const page = shown('Rust');
  layOut(page, folder);
  mkdirSync(join(folder, '.cargo'), { recursive: true });
  writeFileSync(join(folder, '.cargo/config.toml'), CONFIG);
  const env = {
    // Debian's before another that a developer may have.
    PATH: `/usr/bin:${process.env.PATH}`,
    HOME: folder,
    CARGO_HOME: join(folder, '.cargo'),
    CARGO_NET_OFFLINE: 'true',
    // What was compiled of the crates is kept for the next time, in another clone, too; cargo itself knows what is old.
    CARGO_TARGET_DIR: join(cacheFolder(), 'bindings-rust'),
    XML,
    DMABROKER_SOCKET: daemon.clientSocket,
  };
  const { stdout, stderr } = await run('sh', ['-ec', page.commands], { cwd: folder, env });
  t.equal(stdout, SAID, stderr);
  t.notMatch(stderr, /^warning/m);
  await t.resolves(daemon.settled(before), 'nothing is left');
  t.same(daemon.errors, []);
});
