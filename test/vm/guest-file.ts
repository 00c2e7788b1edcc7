/**
 * Runs test files in the guest, one after the other, each in a process of its own, and prints their TAP as one stream
 * in which a comment tells where the next one's begins (runner/tap.ts): the bundle of dist/bundle-tests, under the
 * Khronos validation layer where lists.ts says so. Such a file fails also when the layer had anything to say, about it
 * or about a daemon that it started. Files share the guest, not what they leave in it: a file fails that leaves a
 * process, and nothing of it is there when the next one begins.
 *
 *   node dist/test/vm/guest-file.js [--layer] [--limit SECONDS] [--linger SECONDS] native/dmabuf.guest…      (in the guest)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { beginning } from '../runner/beginning.js';
import { isLayered } from '../runner/lists.js';
import { writeLayerSettings } from './validation-layer.js';

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    layer: { type: 'boolean', default: false },
    limit: { type: 'string', default: '900' },
    linger: { type: 'string', default: '30' },
  },
});
if (names.length === 0)
  throw new Error('usage: guest-file.js [--layer] [--limit SECONDS] [--linger SECONDS] <name>…');
const limitSeconds = Number(values.limit);
/** How long what a file has started may stay after it. */
const lingerSeconds = Number(values.linger);

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
  console.log(`# ${beginning(file)}\n# Subtest: ${file}`);
  const before = processes();
  const child = spawn(process.execPath, [`dist/bundle-tests/${file}.test.js`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...layer },
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => console.log(line === '' ? '' : `    ${line}`));
  const closed = once(lines, 'close');
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limitSeconds * 1000);
  const [code] = await once(child, 'exit');
  clearTimeout(limit);
  // A daemon that outlives its file keeps the pipe open, and would be beside the next one.
  const left = () => [...processes()].filter(([pid]) => !before.has(pid));
  for (let i = 0; i < lingerSeconds * 20 && left().length > 0; i++) await sleep(50);
  const outlived = left();
  for (const [pid] of outlived) end(pid);
  await Promise.race([closed, sleep(1000)]);
  lines.close();
  child.stdout.destroy();
  result(code === 0, file);
  if (late) result(false, `${file}: it was ended after ${limitSeconds} s`);
  if (outlived.length > 0) {
    const told = outlived.map(([pid, command]) => `${pid} ${command}`).join('\n');
    result(false, `${file}: a process that it started outlived it`, told);
  }
}

const cgroupOf = (pid: string) => readFileSync(`/proc/${pid}/cgroup`, 'utf8');

/**
 * What is running, by process id: its command line, which the kernel's own have not. Under systemd, of its services,
 * ours alone.
 */
function processes(): Map<number, string> {
  const own = cgroupOf('self');
  const found = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (command !== '' && cgroupOf(entry) === own)
        found.set(Number(entry), command.replaceAll('\0', ' '));
    } catch {
      // It is gone meanwhile.
    }
  }
  return found;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone meanwhile.
  }
}

for (const name of names) {
  if (values.layer || isLayered(name)) {
    const folder = mkdtempSync(join(tmpdir(), 'validation-'));
    const { environment, log } = writeLayerSettings(folder);
    await runFile(name, environment);
    const messages = existsSync(log) ? readFileSync(log, 'utf8') : '';
    rmSync(folder, { recursive: true });
    result(messages === '', `${name}: the validation layer had nothing to say`, messages);
  } else await runFile(name, {});
}
console.log(`1..${count}`);
process.exitCode = failed === 0 ? 0 : 1;
