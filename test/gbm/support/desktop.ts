/**
 * Compositors on vkms's display, as a user without rights runs them, with one picture that fills it: a client's, drawn by OpenGL
 * into what libgbm allocates. What comes of it is read twice: by a screenshot, which the compositor makes, and by the
 * checksum of what the display shows, which the kernel makes of each frame (debugfs, crtc-0/crc).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import type { Test } from 'tap';
import { eventually } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';

/** A mode of vkms's. */
export const [width, height] = [640, 480];
export const ALICE = 1001;
const SOCKET = 'wayland-1';

/** vkms's node: the one that has a connector. Undefined where there is none (Debian's own kernel). */
export function displayCard(): string | undefined {
  const connector = readdirSync('/sys/class/drm').find((name) => /^card\d+-Virtual-1$/.test(name));
  return connector?.split('-')[0];
}

/** No two of its pixels are equal in a row or a column. */
export function picture(): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      pixels[at] = x & 0xff;
      pixels[at + 1] = y & 0xff;
      pixels[at + 2] = (x >> 8) | ((y >> 8) << 4) | 0x40;
    }
  }
  return pixels;
}

const CONFIGURATION: Readonly<Record<string, (picture: string) => string>> = {
  'sway/config': (picture) =>
    `xwayland disable\noutput * mode ${width}x${height}\noutput * bg ${picture} fill\n`,
  'weston.ini': (picture) => `[core]
idle-time=0
[shell]
background-image=${picture}
background-type=scale
panel-position=none
locking=false
startup-animation=none
[output]
name=Virtual-1
mode=${width}x${height}
`,
};

/** How sway is started where there is no seat and no GPU, as docs/gbm.md says it. */
export const withoutSeat = (card: string) => ({
  ...{ LIBSEAT_BACKEND: 'noop', WLR_BACKENDS: 'drm', WLR_LIBINPUT_NO_DEVICES: '1' },
  ...{
    WLR_DRM_DEVICES: `/dev/dri/${card}`,
    WLR_RENDERER: 'gles2',
    WLR_RENDERER_ALLOW_SOFTWARE: '1',
  },
});

export interface Desktop {
  readonly process: ChildProcess;
  /** What it has printed until now. */
  readonly said: () => string;
  /** Its display's socket is in there. */
  readonly env: NodeJS.ProcessEnv;
  /** Resolves with its exit status. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** As alice, until the test ends. Resolves when it listens. */
export async function startDesktop(
  t: Test,
  script: string,
  card: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Desktop> {
  const folder = temporaryFolder(t);
  chownSync(folder, ALICE, ALICE);
  const file = join(folder, 'picture.png');
  writeFileSync(file, encode({ width, height, data: picture(), channels: 3 }));
  for (const [name, text] of Object.entries(CONFIGURATION)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text(file));
  }
  const folders = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder };
  const display = { ...withoutSeat(card), WAYLAND_DISPLAY: SOCKET };
  const whole = { PATH: process.env.PATH, ...folders, ...display, ...env };
  const { WAYLAND_DISPLAY: _, ...own } = whole;
  const as = [`--reuid=${ALICE}`, `--regid=${ALICE}`, '--groups=dmabroker'];
  const child = spawn('setpriv', [...as, 'sh', '-ec', script], {
    env: own,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // with what it starts it is ended as a group
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    // What it has started goes with it, unless it is killed.
    if (signal !== 'SIGKILL') child.kill(signal);
    else if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, signal);
    return (await closed)[0];
  };
  t.teardown(() => end('SIGKILL'));
  await eventually(
    () => existsSync(join(folder, SOCKET)) || child.exitCode !== null,
    () => `it listens: ${said}`,
    6000,
  );
  return { process: child, said: () => said, env: whole, end };
}

/** What the compositor of the desktop says is on its output: the pixels, in three bytes each. */
export async function screenshot({ env }: Desktop): Promise<Buffer> {
  const child = spawn('grim', ['-t', 'ppm', '-'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (data) => pieces.push(data));
  await once(child, 'close');
  const file = Buffer.concat(pieces);
  const header = `P6\n${width} ${height}\n255\n`;
  return file.toString('latin1', 0, header.length) === header
    ? file.subarray(header.length)
    : Buffer.alloc(0);
}

/** Waits until a screenshot is the picture: its client draws when it likes. */
export async function shows(desktop: Desktop, expected: Buffer): Promise<void> {
  let differ = 0;
  const isThere = async () => {
    const shot = await screenshot(desktop);
    differ = shot.length - expected.length;
    for (let at = 0; at < shot.length; at++) if (shot[at] !== expected[at]) differ++;
    return shot.equals(expected);
  };
  await eventually(isThere, () => `${differ} bytes of the picture differ: ${desktop.said()}`, 100);
}

/** The checksum of what the display shows now. */
export function checksum(card: string): string {
  const folder = `/sys/kernel/debug/dri/${card.replace('card', '')}/crtc-0/crc`;
  writeFileSync(join(folder, 'control'), 'auto');
  // Each read(2) waits for a frame, and has a line: its number and the sum.
  const read = ['dd', `if=${join(folder, 'data')}`, 'bs=64', 'count=3', 'status=none'];
  const lines = execFileSync('timeout', ['20', ...read]).toString();
  return /.*(0x[0-9a-f]{8})\n/s.exec(lines)?.[1] ?? '';
}
