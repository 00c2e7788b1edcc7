/** The priorities of lines that go to the journal: by the stream that systemd names, and of every kind of line. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { prefixFor } from '../../../src/server/log/journal.js';
import { Log } from '../../../src/server/log/log.js';
import type { LineWriter } from '../../../src/server/log/queue.js';
import { eventually, runDaemon as run } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';

t.test('only where the descriptor is the stream that JOURNAL_STREAM names', async (t) => {
  const fd = openSync(join(temporaryFolder(t), 'stream'), 'w');
  const { dev, ino } = fstatSync(fd);
  const prefixed = prefixFor(fd, `${dev}:${ino}`);
  t.same(
    [60, 50, 40, 30, 20].map((level) => prefixed('x', level)),
    ['<2>x', '<3>x', '<4>x', '<6>x', '<7>x'],
  );
  t.equal(prefixFor(fd, `${dev}:${ino + 1}`)('x', 50), 'x', 'it was redirected since');
  for (const none of [undefined, '']) t.equal(prefixFor(fd, none)('x', 50), 'x');
  closeSync(fd);
  t.equal(prefixFor(fd, `${dev}:${ino}`)('x', 50), 'x', 'there is no such descriptor');
});

t.test('each line has its own: the audit, errors, and what tells of losses', async (t) => {
  const lines: string[] = [];
  const writer: LineWriter = {
    add: (bytes) => {
      lines.push(...Buffer.from(bytes).toString().trimEnd().split('\n'));
      added++;
      return true;
    },
    done: () => added,
    failed: () => [],
    wait: () => 0,
  };
  let added = 0;
  const log = new Log(writer, 'info', (line, level) => `<${level / 10}>${line}`);
  log.logger.info('a');
  log.logger.error('b');
  log.audit('{"msg":"c"}\n', 30, { uid: 1, act: 'grant' });
  log.flush();
  log.lose({ uid: 1, act: 'grant' });
  await eventually(() => lines.length === 4, 'losses are told');
  t.same(
    lines.map((line) => `${line.slice(0, 3)} ${JSON.parse(line.slice(3)).msg}`),
    ['<3> a', '<5> b', '<3> c', '<4> 1 lines of the log could not be written, and are lost'],
  );
});

t.test('a daemon outside the journal says what it says without', async (t) => {
  const { stderr } = await run('--config', '/nonexistent.toml');
  t.match(stderr, /^dmabrokerd: /);
});
