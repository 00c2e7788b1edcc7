/**
 * The state folder: one daemon has it at a time, whatever ended the one before; and a file in it has its
 * old content or its new one, whichever step of the replacement fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { isCloexec } from '../../../src/native/libc/fd.js';
import { packageRoot } from '../../../src/package-root.js';
import { defaultStateFolder, StateFolder } from '../../../src/server/state/folder.js';
import type { Files } from '../../../src/server/state/replace.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';

function linkOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null; // It was the folder's own.
  }
}

function truncated(path: string, size: number): void {
  writeFileSync(path, '');
  truncateSync(path, size);
}

const real: Files = { open, rename, unlink };

/** Files with which one step fails, as often as is said. */
function failing(step: string, code: string, times = 1): Files {
  let left = times;
  const fail = (now: string) => {
    if (now !== step || left === 0) return;
    left--;
    throw Object.assign(new Error(`${code}: ${step}`), { code, syscall: step });
  };
  return {
    ...real,
    rename: async (...names) => {
      fail('rename');
      await rename(...names);
    },
    open: async (path, flags, mode) => {
      const what = flags === 'r' ? 'folder' : 'file';
      fail(`open ${what}`);
      const handle = await open(path, flags, mode);
      const { writeFile, sync } = handle;
      handle.writeFile = async (content, options) => {
        // As a full disk does: a part of it is written.
        if (step === 'write' && left > 0) await handle.write(String(content).slice(0, 3));
        fail('write');
        await writeFile.call(handle, content, options);
      };
      handle.sync = async () => {
        fail(`sync ${what}`);
        await sync.call(handle);
      };
      return handle;
    },
  };
}

await withoutLeaks(t, 'the state folder', async (t) => {
  await t.test('a file is what it was where a step of its replacement fails', async (t) => {
    const steps = ['open file', 'write', 'sync file', 'rename', 'open folder', 'sync folder'];
    for (const step of steps) {
      const path = temporaryFolder(t);
      writeFileSync(join(path, 'f'), 'old');
      const folder = StateFolder.open(path, failing(step, 'ENOSPC'));
      await t.rejects(
        folder.replace('f', 'new content'),
        { code: 'not_stored', message: /no space is left.*ENOSPC.*nothing has changed/ },
        step,
      );
      t.equal(readFileSync(join(path, 'f'), 'utf8'), 'old', step);
      t.same(readdirSync(path).sort(), ['f', 'lock'], 'nothing is left that fills the disk');
      t.match(folder.problem, /no space is left/);
      await folder.replace('f', 'new content');
      t.equal(readFileSync(join(path, 'f'), 'utf8'), 'new content', 'the next time');
      t.equal(folder.problem, null);
      folder.close();
    }
  });

  await t.test('one that was not there is not there where a step fails', async (t) => {
    const path = temporaryFolder(t);
    const folder = StateFolder.open(path, failing('sync folder', 'EIO'));
    await t.rejects(folder.replace('f', 'new'), { code: 'not_stored' });
    t.same(readdirSync(path), ['lock']);
    folder.close();
  });

  await t.test('a disk that fails again is no secret', async (t) => {
    const path = temporaryFolder(t);
    writeFileSync(join(path, 'f'), 'old');
    const folder = StateFolder.open(path, failing('sync folder', 'EIO', 2));
    const text = /f may differ from what is in force: .*EIO/;
    await t.rejects(folder.replace('f', 'new'), { code: 'not_stored', message: text });
    t.match(folder.problem, text);
    folder.close();
  });

  await t.test('each cause in words', async (t) => {
    const causes = { EDQUOT: /quota/, EROFS: /read-only/, EACCES: /may not write/, ENXIO: /ENXIO/ };
    for (const [code, text] of Object.entries(causes)) {
      const path = temporaryFolder(t);
      const folder = StateFolder.open(path, failing('open file', code));
      await t.rejects(folder.replace('f', ''), {
        code: 'not_stored',
        message: text,
        refusal: { constraint: code },
      });
      folder.close();
    }
  });

  await t.test('what is no regular file, or is huge, is never waited for', async (t) => {
    const fifo = (at: string) => t.equal(spawnSync('mkfifo', [at]).status, 0);
    const strange: [string, (at: string) => void, RegExp][] = [
      ['a FIFO', fifo, /no regular file is in its place/],
      ['a folder', (at) => mkdirSync(at), /no regular file is in its place/],
      ['a device that never ends', (at) => symlinkSync('/dev/zero', at), /no regular file/],
      ['a file of 3 GiB', (at) => truncated(at, 3 * 2 ** 30), /larger/],
    ];
    for (const [what, make, text] of strange) {
      const path = temporaryFolder(t);
      make(join(path, 'f'));
      const folder = StateFolder.open(path);
      t.throws(() => folder.read('f'), { code: /^E/, syscall: String }, what);
      await t.rejects(folder.replace('f', ''), { code: 'not_stored', message: text }, what);
      folder.close();
    }
    for (const [what, make] of strange.slice(0, 3)) {
      const path = temporaryFolder(t);
      make(join(path, 'lock'));
      const folder = StateFolder.open(path);
      t.match(folder.problem, /no regular file is in its place/, `${what} as lock`);
      folder.close();
    }
  });

  await t.test(
    'a half-written file, a FIFO or a link under the new name is replaced',
    async (t) => {
      const path = temporaryFolder(t);
      const other = join(temporaryFolder(t), 'other');
      writeFileSync(other, 'untouched');
      const makes: ((at: string) => void)[] = [
        (at) => writeFileSync(at, 'half'),
        (at) => t.equal(spawnSync('mkfifo', [at]).status, 0),
        (at) => symlinkSync(other, at),
      ];
      const folder = StateFolder.open(path);
      for (const make of makes) {
        make(join(path, 'f.new'));
        await folder.replace('f', 'new content');
        t.ok(lstatSync(join(path, 'f')).isFile());
        t.equal(readFileSync(join(path, 'f'), 'utf8'), 'new content');
        t.equal(readFileSync(other, 'utf8'), 'untouched');
        t.same(readdirSync(path).sort(), ['f', 'lock']);
      }
      folder.close();
    },
  );

  await t.test('one at a time', async (t) => {
    const path = temporaryFolder(t);
    const first = StateFolder.open(path);
    const lock = readdirSync('/proc/self/fd')
      .map(Number)
      .find((fd) => linkOf(fd) === join(path, 'lock'));
    t.ok(lock !== undefined && isCloexec(lock), 'no child inherits it');
    t.throws(() => StateFolder.open(path), { message: /another daemon uses .*--state-dir/ });
    first.close();
    StateFolder.open(path).close();
  });

  await t.test('a lock ends with its process, however that ends', async (t) => {
    const path = temporaryFolder(t);
    const file = join(packageRoot, 'dist', 'src', 'server', 'state', 'folder.js');
    const code = `
      import { StateFolder } from ${JSON.stringify(file)};
      StateFolder.open(${JSON.stringify(path)});
      console.log('locked');
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    t.throws(() => StateFolder.open(path), { message: /another daemon uses/ });
    child.kill('SIGKILL');
    await once(child, 'exit');
    StateFolder.open(path).close();
  });

  await t.test('a folder that cannot be had is told, and tried again', async (t) => {
    const path = join(temporaryFolder(t), 'f');
    writeFileSync(path, 'a file');
    const folder = StateFolder.open(path);
    t.match(folder.problem, /cannot be written/);
    await t.rejects(folder.replace('x', ''), { code: 'not_stored' });
    await unlink(path);
    await folder.replace('x', 'content');
    t.equal(folder.problem, null);
    t.throws(() => StateFolder.open(path), { message: /another daemon/ }, 'it is locked now');
    folder.close();
  });
});

t.test('where', async (t) => {
  t.equal(defaultStateFolder({ STATE_DIRECTORY: '/s:/t' }, 0), '/s');
  t.equal(defaultStateFolder({}, 0), '/var/lib/dmabroker');
  t.equal(defaultStateFolder({ XDG_STATE_HOME: '/x' }, 5), '/x/dmabroker');
  t.match(defaultStateFolder({ XDG_STATE_HOME: 'relative' }, 5), /\.local\/state\/dmabroker$/);
});
