/**
 * How commands fail: the exit code, a sentence on stderr, nothing on stdout. One of each kind is a process of its own
 * (ctl); what the others say is asked of one process (again).
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { account } from '../../src/cli/accounts.js';
import { EXIT_CODES, groupHint } from '../../src/cli/failure.js';
import { draft } from '../server/events/support/drafts.js';
import { root } from '../server/http/support/root.js';
import { startServer, temporaryFolder } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl as again } from './support/again.js';
import { ctl, main } from './support/ctl.js';

await withoutLeaks(t, 'failures', async (t) => {
  t.test('1: the daemon refuses', async (t) => {
    const { socketPath, daemon } = await startServer(t);
    const socket = ['--socket', socketPath];
    const refused = await ctl([...socket, 'alloc', '--size', '4096', '--handle-type', 'dma_buf']);
    t.equal(refused.status, 1);
    t.equal(refused.stdout, '');
    t.match(
      refused.stderr,
      /^dmabrokerctl: unsupported_handle_type: no usable .*\npossible: memfd\nnearest: .*\nrequest: \S+\n$/,
    );
    const format = await again([...socket, 'alloc', '--image', '1x1', '--format', 'R8']);
    t.match(
      format.stderr,
      /^dmabrokerctl: .*allocates R8 {2}\npossible: AR24, XR24\nnearest: .*\nrequest: [0-9a-f]{16}\n$/,
    );
    const json = await again([
      ...socket,
      '--json',
      'alloc',
      '--size',
      '4096',
      '--handle-type',
      'dma_buf',
    ]);
    t.equal(json.status, 1);
    t.match(JSON.parse(json.stderr), {
      code: 'unsupported_handle_type',
      request_id: /^[0-9a-f]{16}$/,
    });

    t.match(await again([...socket, 'show', 'abc']), { status: 1, stderr: /not_found/ });
    t.match(await again([...socket, 'release', 'abc']), { status: 1, stderr: /not_found/ });
    t.match(await again([...socket, 'show', '../clients']), {
      status: 1,
      stderr: /invalid_argument/,
    });
    daemon.failure = new Error('a defect');
    t.match(await ctl([...socket, 'list']), { status: 1, stderr: /internal: the daemon failed/ });
  });

  t.test('2: the command line is wrong', async (t) => {
    const cases: [string[], RegExp][] = [
      [[], /Usage: dmabrokerctl/],
      [['lisst'], /unknown command 'lisst'/],
      [['list', '--frobnicate'], /unknown option/],
      [['show'], /missing required argument 'id'/],
      [['alloc'], /one of --size and --image/],
      [['alloc', '--size', '4x'], /'--size <size>' argument '4x' is invalid\. It is no size/],
      [['alloc', '--size', '-1'], /-1/],
      [['alloc', '--size', ''], /It is no size/],
      [['alloc', '--size', '9007199254740992'], /It is no size/],
      [['alloc', '--size', '9007199254740991G'], /It is no size/],
      [['alloc', '--image', '1920'], /WxH/],
      [['alloc', '--image', '1x1'], /needs --format/],
      [['alloc', '--size', '1', '--image', '1x1'], /cannot be used with/],
      [['alloc', '--size', '1', '--format', 'XR24'], /--format is for --image/],
      [['alloc', '--size', '1', '--layout', '0:64'], /--layout is for --image/],
      [['alloc', '--size', '1', '--usage', 'cpu_read,draw'], /Allowed choices are sample, render,/],
      [['alloc', '--size', '1', '--placement', 'here'], /Allowed choices are any, device_local/],
      [['alloc', '--size', '1', '--handle-type', 'shm'], /Allowed choices are dma_buf, opaque_fd/],
      [['import', '--size', '1', '--plane', '4096'], /file descriptor 4096 is not open/],
      [['import', '--size', '1', '--modifier', '0x0', '--plane', '0'], /--modifier is for --image/],
      [['list', '--sort', 'colour'], /Allowed choices are created_at,/],
      [['list', '--state', 'gone'], /Allowed choices are live, lost,/],
      [['list', '--older-than', '1y'], /'--older-than <duration>' .* It is no duration/],
      [['release'], /no buffer is named/],
      [['release', 'aaaa', '--state', 'live'], /ids or filters .*, not both/],
      [['recall', 'aaaa', '120'], /120 is no id of a buffer/],
      [['extend', 'aaaa'], /required option '--for <duration>'/],
      [
        ['list', '--limit', 'x'],
        /'--limit <number>' argument 'x' is invalid\. It is no whole number/,
      ],
      [['list', '--owner', 'no-such-user'], /'--owner <user>' .* This machine has no such user/],
      [['list', '--min-size', '1X'], /It is no size/],
      [['log-level', 'loud'], /Allowed choices are debug, info/],
      [['events', '--type', 'nonsense'], /Allowed choices are buffer.created,/],
      [['events', '--count', '0'], /--count must be a number above 0/],
      [['alloc', '--size', '1', '--uses', 'many'], /It is no whole number/],
    ];
    for (const [at, [args, message]] of cases.entries()) {
      const run = await (at === 0 ? ctl : again)(['--socket', '/nowhere', ...args]);
      t.equal(run.status, 2, args.join(' '));
      t.match(run.stderr, message);
      t.equal(run.stdout, '');
    }
  });

  t.test('0: help, of everything or of one command', async (t) => {
    const all = await ctl(['help']);
    t.match(all, { status: 0, stderr: '', stdout: /^Usage: dmabrokerctl .*\n {2}list .*buffers/s });
    t.equal(all.stdout, (await again(['--help'])).stdout);
    const one = await again(['help', 'list']);
    t.match(one, { status: 0, stderr: '', stdout: /^Usage: dmabrokerctl list .*--older-than/s });
    t.match(await again(['quota', 'help', 'set']), { status: 0, stdout: /dmabrokerctl quota set/ });
    t.match(await again(['help', 'lisst']), { status: 2, stdout: '' });
  });

  t.test('3: who may not connect is told which group may', async (t) => {
    const folder = temporaryFolder(t);
    const socket = join(folder, 'rest.sock');
    writeFileSync(socket, '');
    const group = account('group', 'adm') ?? account('group', 'tty');
    const skip = process.getuid?.() !== 0 || group === null;
    if (skip || group === null) return t.pass('it takes root and another group');
    const nobody = () => false;
    chownSync(socket, 0, group.id);
    t.equal(
      groupHint(socket, nobody),
      `: the group ${group.name} may (usermod -aG ${group.name} USER)`,
    );
    t.equal(
      groupHint(socket, () => true),
      '',
      'it is not for want of the group',
    );
    chownSync(folder, 0, group.id);
    t.match(groupHint(join(folder, 'hidden'), nobody), group.name, 'that of the folder around it');
    t.equal(groupHint('/nowhere/at/all', nobody), '', 'nobody but root');
  });

  t.test('3: no daemon can be reached', async (t) => {
    const folder = temporaryFolder(t);
    const missing = join(folder, 'missing');
    const run = await ctl(['--socket', missing, 'list']);
    t.equal(run.status, 3);
    t.match(run.stderr, `cannot reach the daemon: ${missing} does not exist`);

    const path = join(folder, 'other');
    const other = createServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => other.listen(path, resolve));
    t.teardown(() => new Promise((resolve) => other.close(resolve)));
    const stranger = {
      status: 3,
      stderr: `dmabrokerctl: what answers on ${path} is no dmabroker\n`,
    };
    t.match(await again(['--socket', path, 'list']), stranger);
    t.match(await again(['recv', 'token', '--client-socket', path]), stranger);
    const nobody = await ctl(['recv', 'token', '--client-socket', missing]);
    t.match(nobody, { status: 3, stderr: /cannot reach the daemon: .*missing does not exist/ });
  });

  t.test('3: another HTTP server answers', async (t) => {
    const path = join(temporaryFolder(t), 'http');
    const server = createHttpServer((_request, response) => response.writeHead(404).end('<html>'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    t.teardown(() => new Promise((resolve) => server.close(resolve)));
    t.match(await again(['--socket', path, 'list']), { status: 3, stderr: /is no dmabroker/ });
  });

  t.test('--json: every failure is one JSON document on stderr', async (t) => {
    const cases: [string[], number, object][] = [
      [['lisst'], 2, { code: 'usage', detail: /unknown command 'lisst'/ }],
      [['show'], 2, { code: 'usage', detail: "missing required argument 'id'" }],
      [
        ['alloc', '--size', '4x'],
        2,
        { code: 'usage', detail: /'--size <size>' argument '4x' is invalid\. It is no size/ },
      ],
      [[], 2, { code: 'usage', detail: 'no command was given' }],
      [['list'], 3, { code: 'unreachable', detail: /\/nowhere does not exist/ }],
    ];
    for (const [args, status, report] of cases) {
      const run = await again(['--socket', '/nowhere', ...args, '--json']);
      t.equal(run.status, status, args.join(' '));
      t.match(JSON.parse(run.stderr), report);
      t.equal(run.stdout, '');
    }
  });

  t.test('help and version are no failures', async (t) => {
    const help = await ctl(['--help']);
    t.match(help, { status: 0, stdout: /Commands:/, stderr: '' });
    for (const [code, meaning] of EXIT_CODES) t.match(help.stdout, `\n  ${code}  ${meaning}\n`);
    t.match(await again(['alloc', '--help']), { status: 0, stdout: /--handle-type/ });
    t.match(await ctl(['--version']), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  });

  t.test('the program of the package starts, or says that it is not built', async (t) => {
    const program = join(root, 'bin/dmabrokerctl.js');
    const run = spawnSync(program, ['--socket', '/nowhere', 'list'], { encoding: 'utf8' });
    t.match(run.stderr, /^dmabrokerctl: (cannot reach the daemon: \/nowhere|not built yet)/);
  });

  t.test('a reader that leaves early is no error, and ends what would go on', async (t) => {
    const { socketPath, ring } = await startServer(t);
    const making = setInterval(() => ring.push([draft({ buffer: 'abc' })]), 50);
    t.teardown(() => clearInterval(making));
    const ctl = `"${process.execPath}" "${main}" --socket "${socketPath}"`;
    for (const [command, reader] of [
      ['health', 'true'],
      ['list', 'true'],
      ['events', 'head -n 1'],
      ['top --interval 0.1', 'head -n 1'],
      ['top --interval 0.1 --json', 'head -n 1'],
    ] as const) {
      const child = spawn('bash', ['-c', `${ctl} ${command} | ${reader}; echo \${PIPESTATUS[0]}`]);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      t.match(stdout, /(^|\n)0\n$/, command);
      t.equal(stderr, '', command);
    }
  });

  t.test('what cannot be written is told without a stack', async (t) => {
    const { socketPath } = await startServer(t);
    const command = `"${process.execPath}" "${main}" --socket "${socketPath}" health > /dev/full`;
    const { status, stderr } = await shell(command);
    t.equal(status, 2);
    t.match(stderr, /^dmabrokerctl: standard output: ENOSPC: .*\n$/);
  });
});

async function shell(command: string) {
  const child = spawn('bash', ['-c', command]);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stderr, [status]] = await Promise.all([text(child.stderr), closed]);
  return { stderr, status };
}
