/** docs/first-fd.md: its programs are built and run as the page says, and each gets its fd of a daemon. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { layOut, SAID, shown, XML } from './page.js';

const run = promisify(execFile);
const daemon = await TestDaemon.memfd(t);
const before = await daemon.idleFds();

// Rust's is rust.test.ts's, with Debian's crates; Python's runs in the guest (clients.guest.test.ts).
for (const language of ['C', 'C++', 'TypeScript']) {
  t.test(`the first fd in ${language}`, async (t) => {
    const folder = temporaryFolder(t);
    const page = shown(language);
    layOut(page, folder);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(packageRoot, join(folder, 'node_modules/dmabroker'));
    const env = { ...process.env, XML, DMABROKER_SOCKET: daemon.clientSocket };
    const { stdout, stderr } = await run('sh', ['-ec', page.commands], { cwd: folder, env });
    t.equal(stdout, SAID, stderr);
    t.equal(stderr, '', 'and no warning');
  });
}

t.test('nothing stays behind', async (t) => {
  await t.resolves(daemon.settled(before));
  t.same(daemon.errors, []);
});
