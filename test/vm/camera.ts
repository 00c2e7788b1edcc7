// Why: what a display shows is seen from outside alone, where its cable ends: a guest in QEMU may have one, which QEMU photographs
// (QMP's screendump) when a program in the guest asks (guest/photograph.sh, by a port of its own). This file owns that
// conversation, and the picture's file, which has no name: the machine has a copy of the fd, and nothing is to be cleaned up.
import { fstatSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Duplex } from 'node:stream';

/** What QEMU is told beside all the rest. The descriptors are its own: of QMP, the guest's port and the picture. */
export function cameraArguments([monitor, port]: readonly number[]): string[] {
  return [
    // Of all cards that QEMU has, the one that Debian's 6.12 shows foreign memory on (docs/displays-and-codecs.md).
    ...['-device', 'cirrus-vga'],
    ...['-chardev', `socket,id=monitor,fd=${monitor}`, '-mon', 'chardev=monitor,mode=control'],
    ...['-chardev', `socket,id=photo,fd=${port}`],
    ...['-device', 'virtserialport,chardev=photo,name=dmabroker.photo'],
  ];
}

/** Open for reading and writing, and gone with the last fd of it. */
export function openPicture(): number {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-photo-'));
  const path = join(folder, 'picture');
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  rmdirSync(folder);
  return fd;
}

export interface Camera {
  readonly monitor: Duplex;
  readonly port: Duplex;
  /** Ours. */
  readonly picture: number;
  /** The same in QEMU's process. */
  readonly pictureThere: number;
}

/**
 * Answers the guest until the machine ends. A request is a line, `ppm` or `xr24`; the answer a line with the number of bytes, and
 * these, or a line that begins with no digit: what is wrong. PPM is QEMU's, XR24 is as programs that show have it, its fourth byte
 * 255. Nothing else of QEMU's is within the guest's reach.
 */
export async function answerPhotographs(ends: Camera): Promise<void> {
  const { monitor, port } = ends;
  const answers = answersOf(createInterface(monitor));
  monitor.write('{"execute":"qmp_capabilities"}\n');
  await answers.next();
  for await (const format of createInterface(port)) {
    const filename = `/proc/self/fd/${ends.pictureThere}`;
    monitor.write(`${JSON.stringify({ execute: 'screendump', arguments: { filename } })}\n`);
    const { value: problem } = await answers.next();
    const ppm = problem === '' ? contentOf(ends.picture) : undefined;
    const picture = format === 'xr24' ? ppm && xr24Of(ppm) : ppm;
    if (picture === undefined)
      port.write(`QEMU takes no photograph: ${problem || 'what it has made is no PPM'}\n`);
    else {
      port.write(`${picture.length}\n`);
      port.write(picture);
    }
  }
}

/** Of each command: '' or why it was refused. What else is told, unasked, are events. */
async function* answersOf(lines: Interface): AsyncGenerator<string, undefined> {
  for await (const line of lines) {
    const said = parsed(line);
    if (said.error !== undefined) yield said.error.desc;
    else if (said.return !== undefined) yield '';
  }
  return undefined;
}

function parsed(line: string): { return?: unknown; error?: { desc: string } } {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // the machine was ended in the midst of it
  }
}

function contentOf(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(fd, bytes, at, bytes.length - at, at);
    if (read === 0) return bytes.subarray(0, at);
    at += read;
  }
  return bytes;
}

/**
 * ppm(5), with 255 for the brightest: red, green, blue. XR24 in memory: blue, green, red, and a byte that nothing is said of. Of what
 * is no PPM: undefined.
 */
function xr24Of(ppm: Buffer): Buffer | undefined {
  const [head = '', width, height] =
    /^P6\n(\d+) (\d+)\n255\n/.exec(ppm.subarray(0, 64).toString('latin1')) ?? [];
  const pixels = Number(width) * Number(height);
  if (head === '' || ppm.length !== head.length + 3 * pixels) return undefined;
  const bytes = Buffer.alloc(4 * pixels, 255);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) bytes[4 * i + 2 - c] = ppm[head.length + 3 * i + c] ?? 0;
  return bytes;
}
