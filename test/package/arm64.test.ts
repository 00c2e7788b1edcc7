/**
 * The prebuilt shim for arm64, on another machine: qemu-user starts a small program that opens it and calls
 * some of its functions, one by its address among them. That proves that it is of that architecture, that
 * what it wants of glibc is there, and its calling convention; nothing about fds or devices, nor ffi-rs.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { temporaryFolder } from '../support/folder.js';

t.setTimeout(120_000);
/** e_machine of ELF's header, and Debian's names. */
const ARCHITECTURES = {
  x64: { machine: 62, triplet: 'x86_64-linux-gnu', qemu: 'qemu-x86_64' },
  arm64: { machine: 183, triplet: 'aarch64-linux-gnu', qemu: 'qemu-aarch64' },
} as const;
const EXPECTED = {
  pid: 1,
  text: '1 2 three',
  close: -1,
  errno: constants.errno.EBADF,
  copied: 0,
  same: 1,
};

const other = process.arch === 'x64' ? 'arm64' : 'x64';

t.test(`${other}, by qemu-user`, async (t) => {
  const { machine, triplet, qemu } = ARCHITECTURES[other];
  const folder = temporaryFolder(t);
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: packageRoot, encoding: 'utf8' });
  // As scripts/prepack.sh makes it.
  run('bash', 'scripts/build-shim.sh', `${triplet}-gcc`, folder);
  const shim = join(folder, 'dmabroker.so');
  t.equal(readFileSync(shim).readUInt16LE(18), machine);
  const program = join(folder, 'other-arch');
  run(`${triplet}-gcc`, '-Wall', '-Werror', '-o', program, 'test/package/other-arch.c', '-ldl');
  t.same(JSON.parse(run(qemu, '-L', `/usr/${triplet}`, program, shim)), EXPECTED);
});

t.test(`${process.arch}, by itself`, async (t) => {
  const program = join(temporaryFolder(t), 'own-arch');
  execFileSync('cc', ['-Wall', '-Werror', '-o', program, 'test/package/other-arch.c', '-ldl'], {
    cwd: packageRoot,
  });
  const shim = join(packageRoot, `dist/native/linux-${process.arch}/dmabroker.so`);
  t.same(JSON.parse(execFileSync(program, [shim], { encoding: 'utf8' })), EXPECTED);
});
