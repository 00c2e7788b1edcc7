/** `top` on a real terminal with a real daemon: keys, sizes, and that the terminal is left as it was. */
import { mkdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Policy } from '../../../src/broker/policy.js';
import { peer } from '../../broker/support/world.js';
import { startServer } from '../../server/http/support/server.js';
import { eventually, TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';
import { nextMillisecond } from '../../support/next-millisecond.js';
import { ctl } from '../support/again.js';
import { hasTerminal } from '../support/ctl.js';
import { OnScreen } from './support/screen.js';

const daemon = await TestDaemon.memfd(t);
const top = ['--socket', daemon.restSocket, 'top', '--interval', '0.2'];
const ids: string[] = [];
t.before(async () => {
  for (let index = 0; index < 40; index++) {
    const body = { kind: 'buffer', size: 4096, handle_types: ['memfd'], name: `buffer ${index}.` };
    const answer = await daemon.rest('POST', '/v1/buffers', body);
    ids.push((answer.body as unknown as { buffer: { id: string } }).buffer.id);
    await nextMillisecond();
  }
});
/** Says that it has the terminal back, and waits for Enter. */
const JOB = '$TOP\nstty -g > $F/stopped\necho STOPPED\nread\nfg\n';
const test = (name: string, body: (t: Test) => Promise<void>) =>
  t.test(name, { skip: hasTerminal ? false : 'script(1) is missing' }, body);
const SIZE = { columns: 100, rows: 12 };
const byAge = [...top, '--sort', 'created_at'];

test('scrolls, opens details, releases', async (t) => {
  const screen = OnScreen.start(t, byAge, SIZE);
  await screen.shows(/^> buffer 0\. [\s\S]*1-\d+ of 40, \d+ hidden/m);
  // All of them at once.
  screen.press(`${'j'.repeat(12)}\u001b[B\u001b[B\u001b[Ak`);
  await screen.shows(/^> buffer 12\. /m);
  screen.press('\u001b[F');
  await screen.shows(/^> buffer 39\. [\s\S]*-40 of 40, /m);
  screen.press('\u001b[H\u001b[6~');
  await screen.shows(/^> buffer [4-9]\. /m);
  screen.press('\u001b[H\u001b[B\r');
  await screen.shows(new RegExp(`^id: +${ids[1]}$`, 'm'));
  await screen.shows(/^1-10 of 3\d, \d+ hidden {2}Esc back/m);
  screen.press('\u001b[F');
  await screen.shows(/^the daemon itself: 1 fds, 0 mappings/m);
  screen.press('d');
  await screen.shows(new RegExp(`^release buffer 1\\. \\(${ids[1]}\\) of .*\\? y/n$`, 'm'));
  screen.press('n');
  await screen.shows(/^not done: release/m);
  screen.press('\u001b');
  await screen.shows(/^> buffer 1\. /m);
  screen.press('dy');
  await screen.shows(new RegExp(`^released ${ids[1]}$`, 'm'));
  await screen.shows(/^> buffer 2\. /m);
  t.match(await ctl(['--socket', daemon.restSocket, 'list', '-q']), { status: 0 });
  t.equal((await daemon.rest('GET', `/v1/buffers/${ids[1]}`)).status, 404);
  screen.press('cy');
  await screen.shows(new RegExp(`^recalled ${ids[2]} until `, 'm'));
  t.match((await daemon.rest('GET', `/v1/buffers/${ids[2]}`)).body, {
    recall: { reason: 'administrator' },
  });
  // What is gone by the time of the y.
  screen.press('jd');
  await screen.shows(/^release buffer 3\. /m);
  await daemon.rest('DELETE', `/v1/buffers/${ids[3]}`);
  screen.press('y');
  await screen.shows(/^not_found: /m);
  screen.press('/buffer 2\r');
  await screen.shows(/1-\d+ of 11, .*with "buffer 2" in the name/m);
  screen.press('/\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007fnothing\r');
  await screen.shows(/no buffers/);
  screen.press('q');
  t.equal(await screen.ended, 0);
});

test('what is confirmed is done, though q follows at once', async (t) => {
  const screen = OnScreen.start(t, byAge, SIZE);
  await screen.shows(/^> buffer 0\. /m);
  screen.press('dyq');
  t.equal(await screen.ended, 0);
  t.match(screen.written, new RegExp(`1049lreleased ${ids[0]}\\s*$`));
  t.equal((await daemon.rest('GET', `/v1/buffers/${ids[0]}`)).status, 404);
});

test('no slow answer keeps keys waiting', async (t) => {
  const socketPath = join(temporaryFolder(t), 'rest.sock');
  const slow = createServer((asked, response) => {
    // Never: as processes take their time.
    if (/processes|holders/.test(asked.url ?? '')) return;
    const { url: path, method, headers } = asked;
    const forwarded = { socketPath: daemon.restSocket, path, method, headers, agent: false };
    request(forwarded, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    }).end();
  });
  await new Promise<void>((resolve) => slow.listen(socketPath, resolve));
  t.teardown(() => {
    slow.closeAllConnections();
    slow.close();
  });
  const screen = OnScreen.start(t, ['--socket', socketPath, 'top', '--interval', '0.2'], SIZE);
  await screen.shows(/^> buffer /m);
  screen.press('2');
  await screen.shows(/^ {2}asking…/m);
  screen.press('3');
  await screen.shows(/^> \S+ +\d/m);
  screen.press('1\r');
  await screen.shows(/^id: /m);
  screen.press('\u001b[F');
  await screen.shows(/^nobody was handed it/m);
  screen.press('q');
  t.equal(await screen.ended, 0, 'nor the end');
});

test('the views, and the help', async (t) => {
  const screen = OnScreen.start(t, top, SIZE);
  await screen.shows(/\[1 buffers\]/);
  t.match(screen.text, /^memory +\[█? +\] +\d+ KiB \/ /m);
  screen.press('2');
  await screen.shows(/\[2 processes\][\s\S]*no process that can be seen has any/);
  screen.press('\t');
  await screen.shows(/\[3 users\][\s\S]*^ {2}USER +UID +MEMORY/m);
  screen.press('4');
  await screen.shows(/\[4 cgroups\][\s\S]*^ {2}CGROUP +USER +MEMORY/m);
  screen.press('?');
  await screen.shows(/^Up Down, k j +select/m);
  for (const code of ['\u001b[1m', '\u001b[7m', '\u001b[31m']) t.notMatch(screen.written, code);
  screen.press('q');
  t.equal(await screen.ended, 0);
  const ascii = OnScreen.start(t, top, { ...SIZE, env: 'LC_ALL=C' });
  await ascii.shows(/^memory +\[#* +\] +\d+ KiB \/ /m);
  t.match(ascii.written, '\u001b[7m> buffer', 'what is selected stands out');
  ascii.press('q');
  await ascii.ended;
});

test('who may not release reads why', async (t) => {
  const nobody = { uids: [], gids: [] };
  const policy = new Policy({
    ...{ connect: nobody, admin: nobody, operator: nobody, preview: nobody, owner: nobody },
    ...{ reader: { uids: [peer.uid], gids: [] }, rules: [], groupNames: new Map() },
  });
  const server = await startServer(t);
  await ctl([
    ...['--socket', server.socketPath, 'alloc', '--size', '1', '--name', 'theirs'],
    ...['--handle-type', 'memfd'],
  ]);
  const reading = await startServer(t, {
    daemon: server.daemon,
    peerOf: () => peer,
    accessOf: () => policy.restAccess(peer),
  });
  const screen = OnScreen.start(t, ['--socket', reading.socketPath, 'top'], SIZE);
  await screen.shows(/^> theirs /m);
  screen.press('dy');
  await screen.shows(/^permission_denied: \S/m);
  t.equal(server.daemon.buffers.length, 1);
  screen.press('q');
  await screen.ended;
});

test('the terminal is left as it was', async (t) => {
  const ends: [string, number, (screen: OnScreen) => void][] = [
    ['q', 0, (screen) => screen.press('q')],
    ['^C', 0, (screen) => screen.press('\u0003')],
    ['SIGTERM', 0, (screen) => screen.signal('SIGTERM')],
    ['SIGHUP', 129, (screen) => screen.signal('SIGHUP')],
  ];
  for (const [name, status, end] of ends) {
    const screen = OnScreen.start(t, top, SIZE);
    await screen.shows(/> buffer /);
    end(screen);
    t.equal(await screen.ended, status, name);
    t.equal(screen.said('after'), screen.said('before'), name);
    t.ok(screen.written.startsWith('\u001b[?1049h'), 'the other screen');
    t.match(screen.written, '\u001b[?7h\u001b[?25h\u001b[?1049l', 'the former one is back');
    t.equal(screen.written.split('1049l').at(-1)?.includes('\u001b'), false, 'and is left alone');
  }
});

test('a terminal that goes ends it, with no complaint', async (t) => {
  const screen = OnScreen.start(t, top, SIZE);
  await screen.shows(/> buffer /);
  screen.close();
  await eventually(() => !screen.runs(), 'it has ended');
  t.equal(screen.said('complaints'), '');
});

test('^Z and fg', async (t) => {
  // With job control, as at a prompt.
  const screen = OnScreen.start(t, top, { ...SIZE, job: JOB });
  await screen.shows(/> buffer /);
  screen.press('\u001a');
  await eventually(() => /1049l[\s\S]*STOPPED/.test(screen.written), 'it has stopped');
  screen.written = '';
  screen.press('\n');
  await screen.shows(/> buffer /);
  t.ok(screen.written.includes('\u001b[?1049h'));
  screen.press('q');
  t.equal(await screen.ended, 0);
  t.equal(screen.said('after'), screen.said('before'));
  t.equal(screen.said('stopped'), screen.said('before'), 'as it was while it is stopped');
});

test('a terminal of another size is drawn anew', async (t) => {
  const screen = OnScreen.start(t, [...byAge, '--interval', '1000'], SIZE);
  await screen.shows(/1-\d of \d+/);
  screen.resize(60, 30);
  await screen.shows(/1-2\d of \d+/);
  t.equal(screen.frames.at(-1)?.length, 30);
  screen.press('q');
  await screen.ended;
});

test('a daemon that is started again', async (t) => {
  const { folder } = daemon;
  const screen = OnScreen.start(t, top, SIZE);
  await screen.shows(/^> buffer /m);
  await daemon.stop();
  await screen.shows(/^cannot reach the daemon: .* is not up$|not up to date/m);
  screen.press('2?');
  await screen.shows(/^Up Down/m);
  mkdirSync(folder, { recursive: true });
  const second = await TestDaemon.start([], { env: withoutVulkan, folder });
  screen.press('1');
  await eventually(() => !/not up to date/.test(screen.text), 'it is found again');
  screen.press('q');
  t.equal(await screen.ended, 0);
  await second.stop();
});
