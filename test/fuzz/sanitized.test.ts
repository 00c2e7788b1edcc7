/** That the sanitizers watch the shim of the daemon that is fuzzed: what it does wrong ends the process. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { buildSanitized } from './sanitized.js';

const sanitized = buildSanitized();
const skip = sanitized === null ? 'the compiler has no sanitizers' : false;
const native = `dist/native/linux-${process.arch}`;
const shim = join(packageRoot, 'dist/bundle-sanitized', native, 'dmabroker.so');
const ffi = createRequire(import.meta.url).resolve('ffi-rs');

/** Copies so many bytes within memory that has 4096, by the shim. */
function copy(bytes: number) {
  const program = `
    const { open, load, DataType } = require(${JSON.stringify(ffi)});
    open({ library: 'shim', path: ${JSON.stringify(shim)} });
    const [to, from] = [Buffer.alloc(4096), Buffer.alloc(4096)];
    const { I64, U8Array } = DataType;
    console.log(load({ library: 'shim', funcName: 'dmab_copy', retType: I64,
      paramsType: [U8Array, U8Array, I64], paramsValue: [to, from, ${bytes}] }));`;
  return spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...process.env, ...sanitized?.env },
  });
}

t.test('a copy beyond the end of its memory ends the process', { skip }, async (t) => {
  t.match(copy(4096), { status: 0, stdout: '0\n', stderr: '' });
  t.match(copy(4104), { signal: 'SIGABRT', stderr: /heap-buffer-overflow.*in dmab_copy/s });
});
