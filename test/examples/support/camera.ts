/** vivid, the kernel's virtual camera, and what a frame of it is by itself. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ClientBuffer } from '../../../src/client/index.js';
import { temporaryFolder } from '../../support/folder.js';

/** One HDMI input, which is scaled to any size. */
const ONE = 'modprobe vivid n_devs=1 node_types=1 num_inputs=1 input_types=3';

/** A still picture of many colours without a text. `load`: the command that loads the driver. Returns its node. */
export function startCamera(t: Test, load = ONE): string {
  execFileSync('sh', ['-c', load]);
  t.teardown(() => execFileSync('modprobe', ['--remove', 'vivid']));
  const sys = '/sys/class/video4linux';
  const name = readdirSync(sys).find((node) =>
    readFileSync(join(sys, node, 'name'), 'utf8').startsWith('vivid-000-vid-cap'),
  );
  if (name === undefined) throw new Error('vivid has no camera');
  const camera = join('/dev', name);
  const controls = 'test_pattern=4,osd_text_mode=2,alpha_component=200';
  execFileSync('v4l2-ctl', ['-d', camera, '-c', controls]);
  return camera;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Frame extends Size {
  readonly camera: string;
  readonly format: string;
}

/** A frame in the driver's own memory (V4L2_MEMORY_MMAP), its rows without padding. */
export function reference(t: Test, { camera, width, height, format }: Frame): Buffer {
  const file = join(temporaryFolder(t), 'frame');
  const size = `width=${width},height=${height},pixelformat=${format}`;
  const stream = ['--stream-mmap', '--stream-count=1', `--stream-to=${file}`];
  execFileSync('v4l2-ctl', ['-d', camera, `--set-fmt-video=${size}`, ...stream], { stdio: 'pipe' });
  return readFileSync(file);
}

/** An image's rows without padding, plane after plane. */
export function rows(image: ClientBuffer, { width, height }: Size): Buffer {
  const isNv12 = image.format === 'NV12';
  return image.map({ write: false }).read((bytes) =>
    Buffer.concat(
      image.planes.flatMap(({ offset, stride }, index) =>
        Array.from({ length: index === 0 ? height : height / 2 }, (_, y) => {
          const start = offset + y * stride;
          return Buffer.from(bytes.subarray(start, start + (isNv12 ? width : width * 4)));
        }),
      ),
    ),
  );
}
