/**
 * The guest's half of the test suite: runs every *.guest.test.js (or those named) with plain node
 * under the Khronos validation layer and prints one TAP stream, a subtest a file. A file fails also
 * when the layer had anything to say, about it or about a daemon that it started.
 *
 *   node dist/test/vm/suite.js [file…]      (in the guest)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { writeLayerSettings } from './validation-layer.js';

const root = 'dist/test';

function guestTests(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.guest.test.js'))
    .sort()
    .map((name) => join(root, name));
}

/** Indents TAP as a subtest; what is no TAP of the test (its stderr) goes to ours. */
async function runFile(file: string): Promise<{ ok: boolean; messages: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'validation-'));
  const { environment, log } = writeLayerSettings(folder);
  const child = spawn(process.execPath, [file], {
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

const files = process.argv.length > 2 ? process.argv.slice(2) : guestTests();
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
for (const file of files) {
  const name = relative(root, file);
  console.log(`# Subtest: ${name}`);
  const { ok, messages } = await runFile(file);
  result(ok, name);
  result(messages === '', `${name}: the validation layer had nothing to say`, messages);
}
console.log(`1..${count}`);
process.exitCode = failed === 0 && count > 0 ? 0 : 1;
