/**
 * The guest's part of the test suite: runs every *.guest.test.js (or every second, or those named)
 * with plain node under the Khronos validation layer and prints one TAP stream, a subtest a file. A
 * file fails also when the layer had anything to say, about it or about a daemon that it started.
 *
 *   node dist/test/vm/suite.js [--half=1 | --half=2 | file…]      (in the guest)
 *
 * What runs is each file's bundle (scripts/build.sh): tap alone is 380 files, which take seconds to load.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { writeLayerSettings } from './validation-layer.js';

const compiled = 'dist/test';
const bundled = 'dist/bundle-tests';

/** The files that the arguments ask for, by their names under test/. */
function chosen(args: readonly string[]): string[] {
  const half = /^--half=([12])$/.exec(args[0] ?? '')?.[1];
  if (half === undefined && args.length > 0) return args.map((file) => relative(compiled, file));
  return readdirSync(bundled, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.guest.test.js'))
    .sort()
    .filter((_, index) => half === undefined || index % 2 === Number(half) - 1);
}

/** Indents TAP as a subtest; what is no TAP of the test (its stderr) goes to ours. */
async function runFile(name: string): Promise<{ ok: boolean; messages: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'validation-'));
  const { environment, log } = writeLayerSettings(folder);
  const child = spawn(process.execPath, [join(bundled, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Seconds for a file; everything is ten times slower here.
    env: { ...process.env, ...environment, TAP: '1', TAP_TIMEOUT: '600' },
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => console.log(line === '' ? '' : `    ${line}`));
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  const messages = existsSync(log) ? readFileSync(log, 'utf8') : '';
  rmSync(folder, { recursive: true });
  return { ok: code === 0, messages };
}

let count = 0;
let failed = 0;

function result(ok: boolean, name: string, diagnostic = ''): void {
  count++;
  if (!ok) failed++;
  console.log(`${ok ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!ok && diagnostic !== '') {
    const text = diagnostic
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`);
    console.log(['  ---', '  diagnostic: |', ...text, '  ...'].join('\n'));
  }
}

console.log('TAP version 14');
for (const name of chosen(process.argv.slice(2))) {
  console.log(`# Subtest: ${name}`);
  const started = performance.now();
  const { ok, messages } = await runFile(name);
  result(ok, `${name} # time=${Math.round(performance.now() - started)}ms`);
  result(messages === '', `${name}: the validation layer had nothing to say`, messages);
}
console.log(`1..${count}`);
process.exitCode = failed === 0 && count > 0 ? 0 : 1;
