/**
 * A node of PipeWire's whose buffers are the broker's (examples/pipewire), and GStreamer's pipewiresrc, which has its frames: as
 * Debian has both, by WirePlumber. The reader holds the dma_bufs themselves, with and without a modifier agreed upon; whoever is
 * killed, the daemon has no memory left.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import type { BufferInfo } from '../../src/rest/contract.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { ended, running as launch, start, withPlugins } from '../support/gstreamer.js';
import { commandOf, proof } from '../support/proofs.js';

const PLUGINS = ['coreelements', 'videotestsrc', 'videoconvertscale', 'pipewire'];
const [width, height] = [320, 240];

const folder = temporaryFolder(t);
const at = (name: string) => join(folder, name);
const env = {
  ...process.env,
  ...withPlugins(folder, PLUGINS),
  ...{ XDG_RUNTIME_DIR: folder, DBUS_SESSION_BUS_ADDRESS: `unix:path=${at('bus')}` },
};

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = await daemon.idleFds();

start(
  t,
  env,
  'dbus-daemon',
  '--session',
  `--address=unix:path=${at('bus')}`,
  '--nofork',
  '--nopidfile',
);
await eventually(() => existsSync(at('bus')), 'there is a bus');
start(t, env, 'pipewire');
await eventually(() => existsSync(at('pipewire-0')), 'PipeWire is there');
start(t, env, 'wireplumber');

const picture = `video/x-raw,format=BGRx,width=${width},height=${height},framerate=25/1`;
ended(env, `videotestsrc num-buffers=1 ! ${picture} ! filesink location=${at('picture')}`);
const expected = readFileSync(at('picture'));

/** The node, once WirePlumber knows it. */
async function node(t: Test) {
  const args = [
    '--socket',
    daemon.clientSocket,
    '--size',
    `${width}x${height}`,
    '--name',
    'broker',
  ];
  const program = join(packageRoot, 'examples/pipewire/build/dmabroker-pipewire');
  const running = start(t, env, program, ...args, at('picture'));
  await eventually(
    () => running.said().includes('ready'),
    () => running.said(),
  );
  const known = () => execFileSync('wpctl', ['status', '--name'], { env, encoding: 'utf8' });
  await eventually(() => /\d+\. broker/.test(known()), 'WirePlumber knows it');
  return running;
}

const source = (caps: string, more = '') =>
  `pipewiresrc target-object=broker stream-properties=p,media.class=Stream/Input/Video ${more}! ${caps}`;

/** Whether a process has one of the buffers open. */
async function holds({ pid }: ChildProcess, buffers?: BufferInfo[]): Promise<boolean> {
  const [buffer] = buffers ?? (await daemon.buffers());
  if (buffer === undefined) return false;
  const { body } = await daemon.rest('GET', `/v1/buffers/${buffer.id}/holders`);
  return body.holders?.some((holder: { pid: number; fds: number }) => holder.pid === pid);
}

/** A modifier is agreed upon, and none: memory is a dma_buf in both. */
const CAPS = {
  'DMABuf caps': 'video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=XR24',
  'system caps': 'video/x-raw,format=BGRx',
};

for (const [what, caps] of Object.entries(CAPS)) {
  t.test(`${proof('pipewire')}, ${what}: exact pixels in the broker's own dma_bufs`, async (t) => {
    const running = await node(t);
    const file = `${what.slice(0, 3)}.have`;
    const reader = launch(
      t,
      env,
      commandOf('pipewire')
        .replace(/^gst-launch-1.0 -q /, '')
        .replace(CAPS['system caps'], caps)
        .replace('location=film', `location=${at(file)}`),
    );
    let shown: BufferInfo[] = [];
    const has = async () => {
      shown = await daemon.buffers();
      return holds(reader.child, shown);
    };
    await eventually(has, () => `it has them: ${reader.said()}`);
    t.match(shown, [{ name: 'broker', format: 'XR24', handle_type: 'dma_buf' }]);
    t.equal(await reader.ended, 0, reader.said());
    const film = readFileSync(at(file));
    t.equal(film.length, 40 * expected.length);
    const count = film.length / expected.length;
    t.ok(film.equals(Buffer.concat(Array.from({ length: count }, () => expected))), 'all exact');
    running.child.kill('SIGTERM');
    t.equal(await running.ended, 0, running.said());
    await daemon.settled(before);
  });
}

t.test('whoever is killed', async (t) => {
  const running = await node(t);
  const watching = source('video/x-raw,format=BGRx ! fakesink');
  const reader = launch(t, env, watching);
  await eventually(
    () => holds(reader.child),
    () => `it has them: ${reader.said()}`,
  );
  reader.child.kill('SIGKILL');
  await eventually(async () => (await daemon.buffers()).length === 0, 'no reader, no buffers');
  const next = launch(t, env, watching);
  await eventually(
    () => holds(next.child),
    () => `it has them: ${next.said()}`,
  );
  running.child.kill('SIGKILL');
  next.child.kill('SIGKILL');
  await daemon.settled(before);
});

t.test('the daemon ends, and with it the node', async (t) => {
  const running = await node(t);
  const reader = launch(t, env, source('video/x-raw,format=BGRx ! fakesink'));
  await eventually(
    () => holds(reader.child),
    () => `it has them: ${reader.said()}`,
  );
  await daemon.end('SIGKILL');
  t.equal(await running.ended, 1, running.said());
  t.match(running.said(), /^dmabroker-pipewire: the connection to the daemon is over$/m);
});
