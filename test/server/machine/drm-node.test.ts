/** dev_t as the kernel and glibc encode it, and which DRM node is advertised. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { DrmNodes } from '../../../src/memory/device.js';
import { makedev } from '../../../src/native/libc/fd.js';
import { devBytes, mainDevice } from '../../../src/server/machine/drm-node.js';
import { temporaryFolder } from '../../support/folder.js';

const rdev = (path: string) => statSync(path, { bigint: true }).rdev;

t.test('makedev agrees with stat(1) and stat(2)', async (t) => {
  for (const path of ['/dev/null', '/dev/zero', '/dev/tty', '/dev/full']) {
    const text = execFileSync('stat', ['--format=%t %T', path], { encoding: 'utf8' });
    const [major = 0, minor = 0] = text.split(' ').map((part) => Number.parseInt(part, 16));
    t.equal(makedev(major, minor), rdev(path), `${path} is ${major}:${minor}`);
  }
  t.equal(makedev(226, 128), 0xe280n);
  // glibc's layout, digit by digit: MMMM Mmmm mmmM MMmm
  t.equal(makedev(0x12345678, 0x9abcdef0), 0x12345_9abcde_678_f0n);
});

t.test('no bit is lost', async (t) => {
  const word = fc.nat(2 ** 32 - 1);
  const property = fc.property(word, word, (major, minor) => {
    const dev = makedev(major, minor);
    // gnu_dev_major and gnu_dev_minor of glibc's sysmacros.h
    const back = [
      ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n),
      (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n),
    ];
    return back[0] === BigInt(major) && back[1] === BigInt(minor) && dev < 2n ** 64n;
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('its bytes', async (t) => {
  t.equal(devBytes(makedev(226, 128)).toString('hex'), '80e2000000000000');
});

const device = (drm: DrmNodes | null) => ({ drm });
const render = { major: 226, minor: 129 };
const primary = { major: 226, minor: 1 };

t.test('which node', async (t) => {
  const folder = temporaryFolder(t);
  const nodes = join(folder, 'dri');
  mkdirSync(nodes);
  const nowhere = join(folder, 'nowhere');
  const own = devBytes(makedev(226, 129));
  t.same(mainDevice(device({ primary, render }), nodes), own, 'its own render node');
  t.same(mainDevice(device({ primary, render: null }), nodes), devBytes(makedev(226, 1)));
  t.equal(mainDevice(device(null), nodes), null);
  t.equal(mainDevice(null, nowhere), null);
  symlinkSync('/dev/zero', join(nodes, 'renderD129'));
  symlinkSync('/dev/null', join(nodes, 'renderD128'));
  symlinkSync('/dev/full', join(nodes, 'card0'));
  t.same(mainDevice(device({ primary, render }), nodes), own);
  const first = devBytes(rdev('/dev/null'));
  t.same(mainDevice(device({ primary, render: null }), nodes), first, 'the machine’s first');
  t.same(mainDevice(null, nodes), first);
});
