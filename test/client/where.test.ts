/** The library and the command line look for the daemon in the same places, by docs/protocol.md's rule. */
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { ctl } from '../cli/support/again.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { runtimeFolder } from '../support/folder.js';

await withoutLeaks(t, 'where clients look for the daemon', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const XDG_RUNTIME_DIR = runtimeFolder(t, daemon.clientSocket);
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
  });
  const cases: [string, NodeJS.ProcessEnv, string | null][] = [
    ['in DMABROKER_SOCKET', { DMABROKER_SOCKET: daemon.clientSocket }, null],
    ['in XDG_RUNTIME_DIR', { XDG_RUNTIME_DIR }, null],
    ['where the variable is empty', { DMABROKER_SOCKET: '', XDG_RUNTIME_DIR }, null],
    ['the variable first', { DMABROKER_SOCKET: '/nowhere', XDG_RUNTIME_DIR }, '/nowhere'],
    ['else the system', { XDG_RUNTIME_DIR: '/nowhere' }, '/run/dmabroker/client.sock'],
  ];
  for (const [name, env, fails] of cases) {
    await t.test(name, async (t) => {
      process.env = { ...before, DMABROKER_SOCKET: '', XDG_RUNTIME_DIR: '', ...env };
      const { stderr } = await ctl(['recv', 'nonsense'], env);
      if (fails === null) {
        (await connect()).close();
        t.match(stderr, 'the token is unknown');
      } else {
        await t.rejects(connect(), { message: new RegExp(fails) });
        t.match(stderr, fails);
      }
    });
  }
  t.equal(await daemon.stop(), 0);
});
