/**
 * Compositors that allocate by libgbm and draw by Mesa, unchanged, over clients/gbm: sway, whose wlroots allocates buffers, and
 * Weston, whose EGL allocates a surface's. vkms is the display; what it shows is compared with Mesa's own run, pixel by pixel.
 * As it is, no program could draw into imported memory there, and Mesa goes on alone; with guest/mapping-display it can.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { commandsOf } from '../docs/pages.js';
import { sharedDaemon } from '../support/actor.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { atNight, isNight } from '../support/night.js';
import { proof } from '../support/proofs.js';
import {
  ALICE,
  checksum,
  type Desktop,
  displayCard,
  picture,
  shows,
  startDesktop,
  withoutSeat,
} from './support/desktop.js';

const object = join(packageRoot, 'clients/gbm/build/dmabroker_gbm.so');
const ask = join(packageRoot, 'clients/gbm/build/ask');
const BACKEND = { GBM_BACKEND: 'dmabroker' };
const SWAY = 'exec sway';
const WESTON =
  'exec weston --backend=drm --drm-device=$CARD --renderer=gl --continue-without-input';
const expected = picture();
/** Of the picture, four bytes a pixel in rows of a multiple of 256. */
const FRAME = 640 * 480 * 4;

const card = displayCard() ?? '';
const device = `/dev/dri/${card}`;
const mapping = process.env.DMABROKER_MAPPING_DISPLAY ?? '';
const skip = card === '' || mapping === '' ? 'User-Mode Linux alone has such a display' : false;
const test = (name: string, body: (t: Test) => Promise<void>) => t.test(name, { skip }, body);

let daemon = await sharedDaemon(t);
const before = await daemon.idleFds();
if (!skip) {
  chownSync(device, ALICE, ALICE);
  // There is no compiler in the guest: as `make install` does it.
  const folder = '/usr/lib/x86_64-linux-gnu/gbm';
  execFileSync('install', ['-D', '-m', '644', '-t', folder, object]);
}

const start = (t: Test, script: string, env: NodeJS.ProcessEnv = {}): Promise<Desktop> =>
  startDesktop(t, script, card, { DMABROKER_SOCKET: daemon.clientSocket, CARD: card, ...env });

/** All that the backend has said. */
const sentences = (said: string): string[] => said.match(/^dmabroker-gbm: .*$/gm) ?? [];

/** What alice is charged for. */
async function charged(): Promise<number> {
  const { body } = await daemon.rest('GET', `/v1/quotas/user/${ALICE}`);
  return body.charge?.bytes ?? 0;
}

/** A program that asks libgbm. */
function asking(words: readonly string[], env: NodeJS.ProcessEnv = BACKEND) {
  const socket = { DMABROKER_SOCKET: daemon.clientSocket };
  const [what = '', ...numbers] = words;
  const child = spawn(ask, [what, device, ...numbers], {
    env: { ...process.env, ...socket, ...env },
    stdio: 'pipe',
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const said = Promise.all([text(child.stdout), text(child.stderr), closed]);
  const ended = said.then(([stdout, stderr, [status]]) => ({
    lines: stdout.trim().split('\n'),
    said: sentences(stderr),
    status,
  }));
  return { child, ended };
}

/** To its end. */
async function asked(what: string, env?: NodeJS.ProcessEnv) {
  const { child, ended } = asking([what], env);
  child.stdin.end();
  return ended;
}

let shown = '';

test('Mesa alone', async (t) => {
  const sway = await start(t, SWAY);
  await shows(sway, expected);
  shown = checksum(card);
  t.match(shown, /^0x[0-9a-f]{8}$/);
  t.strictSame(await daemon.buffers(), []);
  t.equal(await sway.end(), 0);
});

test('where Mesa could not draw into imported memory, it goes on alone', async (t) => {
  const sway = await start(t, SWAY, BACKEND);
  await shows(sway, expected);
  t.equal(checksum(card), shown);
  t.strictSame(sentences(sway.said()), [
    `dmabroker-gbm: ${card}: Mesa allocates, since it draws by the CPU here, and the driver does not map memory that was imported`,
  ]);
  await eventually(async () => (await daemon.clients()).length === 0, 'it is no client any more');
  t.ok((await charged()) <= 4096, 'a page that Mesa does not let go of is all');
  t.equal(await sway.end(), 0);
  await daemon.settled(before);
});

test('a display that maps it', async () => {
  execFileSync('insmod', [mapping, `path=${device}`]);
});

// As docs/gbm.md has it.
test(proof('composited'), async (t) => {
  const [script = '', seatless = ''] = commandsOf('docs/gbm.md', '');
  const settings = [...seatless.matchAll(/\b(LIBSEAT\w+|WLR\w+)=(\S+)/g)];
  t.same(
    Object.fromEntries(settings.map(([, name, value]) => [name, value])),
    withoutSeat('card1'),
    'what it is started with',
  );
  const [make, run = '', list = '', ...others] = script.split('\n');
  t.match(make, /^make -C clients\/gbm && sudo make -C clients\/gbm install/);
  t.match(list, /^dmabrokerctl list\b/);
  t.strictSame(others, []);
  const sway = await start(t, `exec env ${run.replace(/ *#.*/, '')}`);
  await shows(sway, expected);
  t.equal(checksum(card), shown, 'the display shows what it showed of Mesa’s memory');
  const buffers = await daemon.buffers();
  t.ok(buffers.length >= 2, `${buffers.length} buffers`);
  for (const buffer of buffers) {
    const owner = { uid: ALICE, executable: 'sway' };
    const what = { state: 'live', name: `gbm ${card}`, width: 640, height: 480, format: 'XR24' };
    t.match(buffer, { ...what, handle_type: 'dma_buf', owner });
  }
  t.equal(await charged(), buffers.length * FRAME, 'under its user’s charge');
  t.strictSame(sentences(sway.said()), []);
  t.equal(await sway.end(), 0);
  await daemon.settled(before);
  t.equal(await charged(), 0);
});

test('Weston, whose buffers are an EGL surface’s', async (t) => {
  const [named = ''] = commandsOf('docs/gbm.md', 'what-it-is');
  const source = named.replace('default_cma_region', 'system');
  t.equal(source, 'export DMABROKER_GBM_SOURCE=dma-heap:system', 'there is no contiguous memory');
  const weston = await start(t, `${source}; ${WESTON}`, BACKEND);
  await eventually(() => checksum(card) === shown, 'the same picture is on the display');
  const buffers = await daemon.buffers();
  t.ok(buffers.length >= 2, `${buffers.length} buffers`);
  for (const buffer of buffers) t.match(buffer, { state: 'live', source: 'dma-heap:system' });
  const cursor = `dmabroker-gbm: ${card}: Mesa allocates some buffers, since gbm_bo_write needs its own buffers`;
  t.strictSame(sentences(weston.said()), [cursor]);
  t.equal(await weston.end(), 0);
  await daemon.settled(before);
});

// The tests above compare the same with a picture of their own, and with what the display shows.
const asTyped = async (t: Test) => {
  const [, seatless = ''] = commandsOf('docs/gbm.md', '');
  const [compare = ''] = commandsOf('docs/gbm.md', 'compared-with-mesas-own');
  const [exports] = seatless.split('GBM_BACKEND');
  const folder = temporaryFolder(t);
  const bin = join(folder, 'dmabrokerctl');
  writeFileSync(bin, `#!/bin/sh\nexec node ${packageRoot}/bin/dmabrokerctl.js "$@"\n`, {
    mode: 0o755,
  });
  const env = {
    ...process.env,
    ...{ DMABROKER_SOCKET: daemon.clientSocket, DMABROKER_REST_SOCKET: daemon.restSocket },
    ...{ PATH: `${folder}:${process.env.PATH}`, XDG_RUNTIME_DIR: folder },
  };
  const shown = execFileSync('bash', ['-euc', `${exports}\n${compare}`], { env, stdio: 'pipe' });
  t.match(`${shown}`, /^gbm card\d .* sway \(/m, 'the broker’s memory');
  await daemon.settled(before);
};
if (isNight) test('what docs/gbm.md compares', asTyped);

test('what has to be Mesa’s is, and the program sees no difference', async (t) => {
  const plain = await asked('cases', {});
  const { lines, said, status } = await asked('cases');
  t.strictSame(lines, plain.lines);
  t.equal(lines.length, 10);
  t.equal(status, 0);
  t.strictSame(plain.said, []);
  const why = said.map((sentence) =>
    sentence.replace(/.*: Mesa allocates some buffers, since /, ''),
  );
  t.match(why, [
    'gbm_bo_write needs its own buffers',
    /^AR15 of 64x64 was refused: /,
    /^the display does not take AB4H of 64x64 from \w+: Invalid argument/,
    'it imports XR24 with none of their modifiers',
  ]);
  t.equal(why.length, 4, 'each reason once');
  await daemon.settled(before);
});

test('what a program draws is in the broker’s memory', async (t) => {
  for (const source of ['', 'udmabuf', 'dma-heap:system']) {
    const { lines, said } = await asked('draw', { ...BACKEND, DMABROKER_GBM_SOURCE: source });
    t.strictSame([lines, said], [['0 pixels differ'], []], source);
  }
  await daemon.settled(before);
});

test('without a daemon, and without a place in a quota', async (t) => {
  const alone = await asked('draw', { ...BACKEND, DMABROKER_SOCKET: '/nonexistent' });
  t.strictSame(alone.lines, ['0 pixels differ']);
  t.match(alone.said, [/^dmabroker-gbm: card\d: Mesa allocates, since nobody answers at /]);
  await daemon.rest('PUT', '/v1/quotas/user/0', { bytes: 2 * FRAME });
  const { child, ended } = asking(['hold', '4', '640', '480']);
  await once(createInterface(child.stdout), 'line');
  t.equal((await daemon.buffers()).length, 2, 'two have a place');
  child.stdin.end();
  const { said, status } = await ended;
  t.equal(status, 0, 'and there are four');
  t.match(said, [
    /some buffers, since XR24 of 640x480 was refused: the user 0 may have 2457600 bytes /,
  ]);
  t.equal(said.length, 1);
  await daemon.rest('DELETE', '/v1/quotas/user/0');
  await daemon.settled(before);
});

test('programs that are killed at any moment', async (t) => {
  for (let round = 0; round < atNight(4, 100); round++) {
    const { child, ended } = asking(['churn']);
    await once(createInterface(child.stdout), 'line');
    await new Promise((resolve) => setTimeout(resolve, round * 15));
    child.kill('SIGKILL');
    await ended;
  }
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'no error');
});

test('a daemon that is killed, and one after it, under a compositor that goes on', async (t) => {
  const sway = await start(t, SWAY, BACKEND);
  await shows(sway, expected);
  const count = (await daemon.buffers()).length;
  await daemon.end('SIGKILL');
  await shows(sway, expected);
  const config = join(daemon.folder, 'dmabrokerd.toml');
  daemon = await TestDaemon.start(['--config', config], { folder: daemon.folder, awaited: true });
  t.teardown(() => daemon.stop('SIGKILL'));
  const isBack = async () => (await daemon.buffers()).length === count;
  await eventually(isBack, 'its buffers are listed again');
  t.equal(await charged(), count * FRAME, 'and charged');
  t.equal(checksum(card), shown);
  t.strictSame(sentences(sway.said()), []);
  // And it is killed itself.
  await sway.end('SIGKILL');
  await eventually(async () => (await daemon.buffers()).length === 0, 'they are gone');
  t.equal(await charged(), 0);
  await eventually(async () => (await daemon.clients()).length === 0, 'it is no client any more');
});
