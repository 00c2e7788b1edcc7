/**
 * The main job, shown: the daemon starts; process A (writer.ts) allocates an image, draws and
 * shares it; process B (the C client) redeems the token and reads the same pixels; REST lists the
 * buffer with its owner and both recipients; everything is released.
 *
 *   node dist/examples/quickstart/main.js host|guest [handle type]
 *
 * Its last line is one JSON object; `ok` is true only if every step was seen to work.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Report {
  id: string;
  token: string;
  sha256: string;
  bytes: number;
  handle_type: string;
  exporter: string | null;
  device: string | null;
  link: string;
}

interface ListedBuffer {
  id: string;
  handle_type: string;
  size: number;
  owner: { pid: number | null; executable: string | null };
  recipients: { pid: number | null; executable: string | null }[];
}

const [where = 'host', handleType = 'dma_buf'] = process.argv.slice(2);
const started = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'dmabroker-quickstart-'));
const clientSocket = join(folder, 'client.sock');
const restSocket = join(folder, 'rest.sock');
const stateFolder = join(folder, 'state');

function say(who: string, text: string): void {
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds}s  ${who.padEnd(8)} ${text}`);
}

function start(who: string, command: string, args: string[]): ChildProcess {
  say(who, `starts: ${[command.split('/').at(-1), ...args].join(' ')}`);
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Passes a child's standard error on, line by line. */
function narrate(who: string, child: ChildProcess): void {
  if (child.stderr) createInterface(child.stderr).on('line', (line) => say(who, line));
}

async function startDaemon(): Promise<ChildProcess> {
  const sockets = ['--socket', clientSocket, '--rest-socket', restSocket];
  const args = ['bin/dmabrokerd.js', ...sockets, '--state-dir', stateFolder];
  const daemon = start('daemon', process.execPath, args);
  await new Promise<void>((resolve, reject) => {
    daemon.once('exit', (code) => reject(new Error(`the daemon ended with status ${code}`)));
    if (!daemon.stderr) return;
    createInterface(daemon.stderr).on('line', (line) => {
      const { msg, level } = JSON.parse(line) as { msg: string; level: number };
      say('daemon', level >= 40 ? `! ${msg}` : msg);
      if (msg === 'ready') resolve();
    });
  });
  return daemon;
}

async function startWriter(): Promise<{ child: ChildProcess; report: Report }> {
  const script = new URL('./writer.js', import.meta.url).pathname;
  const child = start('A', process.execPath, [script, clientSocket, handleType]);
  narrate('A', child);
  if (!child.stdout) throw new Error('no pipe');
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?];
  if (line === undefined) throw new Error('process A failed');
  return { child, report: JSON.parse(line) as Report };
}

/** Runs the C client; resolves with the hash of `bytes` bytes once it has read them all. */
async function startReader(token: string, bytes: number) {
  const options = ['--socket', clientSocket, '--handle-type', handleType, '--hold'];
  const child = start('B', 'examples/c/build/dmabroker-example', [...options, 'redeem', token]);
  narrate('B', child);
  const hash = createHash('sha256');
  let seen = 0;
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`process B ended with status ${code}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      seen += chunk.length;
      if (seen === bytes) resolve();
    });
  });
  return { child, sha256: hash.digest('hex') };
}

function listBuffers(): Promise<ListedBuffer[]> {
  return new Promise((resolve, reject) => {
    get({ socketPath: restSocket, path: '/v1/buffers', host: 'localhost' }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve(JSON.parse(Buffer.concat(chunks).toString()) as ListedBuffer[]);
    }).once('error', reject);
  });
}

async function end(child: ChildProcess): Promise<number | null> {
  child.removeAllListeners('exit');
  const exited = once(child, 'exit');
  child.stdin?.end();
  return (await exited)[0] as number | null;
}

const check = (condition: boolean, what: string) => {
  if (!condition) throw new Error(`not as expected: ${what}`);
  say('check', what);
};

async function show(): Promise<object> {
  const daemon = await startDaemon();
  try {
    const { child: writer, report } = await startWriter();
    say('A', `has ${report.id}: ${report.bytes} bytes, fd -> ${report.link}`);
    say('A', `drew into it and shares it; sha256 ${report.sha256}`);

    const { child: reader, sha256 } = await startReader(report.token, report.bytes);
    say('B', `read ${report.bytes} bytes; sha256 ${sha256}`);
    check(sha256 === report.sha256, 'B read the pixels that A drew');

    const [listed] = await listBuffers();
    const recipients = listed?.recipients.map(({ pid }) => pid) ?? [];
    say('REST', JSON.stringify(listed));
    check(listed?.id === report.id && listed.owner.pid === writer.pid, 'REST names A as the owner');
    const both = recipients.includes(writer.pid ?? -1) && recipients.includes(reader.pid ?? -1);
    check(both && recipients.length === 2, 'REST names A and B as recipients');

    check((await end(reader)) === 0 && (await end(writer)) === 0, 'A and B ended well');
    check((await listBuffers()).length === 0, 'everything is released');
    daemon.removeAllListeners('exit');
    daemon.kill('SIGTERM');
    check((await once(daemon, 'exit'))[0] === 0, 'the daemon ended well');
    const { handle_type, exporter, device, bytes } = report;
    const hashes = { sha256_writer: report.sha256, sha256_reader: sha256 };
    return { ok: true, handle_type, exporter, device, where, bytes, ...hashes };
  } finally {
    daemon.removeAllListeners('exit');
    daemon.kill('SIGKILL');
  }
}

try {
  const result = await show();
  rmSync(folder, { recursive: true });
  console.log(JSON.stringify(result));
} catch (error) {
  console.log(JSON.stringify({ ok: false, where, error: String(error) }));
  process.exit(1);
}
