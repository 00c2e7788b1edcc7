/**
 * Runs one test file in the guest and prints its TAP: the bundle of dist/bundle-tests (tap alone is
 * 380 files), under the Khronos validation layer where lists.ts says so. Such a file fails also when
 * the layer had anything to say, about it or about a daemon that it started.
 *
 *   node dist/test/vm/guest-file.js [--layer] native/dmabuf.guest      (in the guest)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isLayered } from '../runner/lists.js';
import { writeLayerSettings } from './validation-layer.js';

/** How long output may stay open after the file has ended: what it started should be gone by then. */
const LINGER_SECONDS = 30;

const args = process.argv.slice(2);
const everywhere = args[0] === '--layer';
const name = args.at(-1);
if (name === undefined) throw new Error('usage: guest-file.js [--layer] <name>');

let count = 0;
let failed = 0;

function result(ok: boolean, text: string, diagnostic = ''): void {
  count++;
  if (!ok) failed++;
  console.log(`${ok ? 'ok' : 'not ok'} ${count} - ${text}`);
  if (!ok && diagnostic !== '') {
    const lines = diagnostic.trimEnd().split('\n');
    console.log(
      ['  ---', '  diagnostic: |', ...lines.map((line) => `    ${line}`), '  ...'].join('\n'),
    );
  }
}

/** Indents TAP as a subtest; what is no TAP of the test (its stderr) goes to ours. */
async function runFile(file: string, layer: Readonly<Record<string, string>>): Promise<void> {
  console.log(`# Subtest: ${file}`);
  const child = spawn(process.execPath, [`dist/bundle-tests/${file}.test.js`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...layer },
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => console.log(line === '' ? '' : `    ${line}`));
  const closed = once(lines, 'close');
  const [code] = await once(child, 'exit');
  // A daemon that outlives its file keeps the pipe open.
  let left = false;
  const limit = setTimeout(() => {
    left = true;
    lines.close();
    child.stdout.destroy();
  }, LINGER_SECONDS * 1000);
  await closed;
  clearTimeout(limit);
  result(code === 0, file);
  if (left) result(false, `${file}: a process that it started still held its output`, processes());
}

/** What is running, for whoever has to find out what was left. */
function processes(): string {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.length > 1 ? `${pid} ${words.join(' ')}` : '';
      } catch {
        return ''; // gone meanwhile
      }
    })
    .filter((line) => line !== '')
    .join('\n');
}

if (everywhere || isLayered(name)) {
  const folder = mkdtempSync(join(tmpdir(), 'validation-'));
  const { environment, log } = writeLayerSettings(folder);
  await runFile(name, environment);
  const messages = existsSync(log) ? readFileSync(log, 'utf8') : '';
  rmSync(folder, { recursive: true });
  result(messages === '', `${name}: the validation layer had nothing to say`, messages);
} else await runFile(name, {});
console.log(`1..${count}`);
process.exitCode = failed === 0 ? 0 : 1;
