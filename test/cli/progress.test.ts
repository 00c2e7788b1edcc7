/** The line that says that work goes on: on a terminal, not before a second, and gone at the end. */
import { spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { hasTerminal, main } from './support/ctl.js';

t.test(
  'waiting for the daemon',
  { skip: hasTerminal ? false : 'script(1) is missing' },
  async (t) => {
    const socket = join(temporaryFolder(t), 'rest.sock');
    const held: ServerResponse[] = [];
    const server = createServer((_, response) => void held.push(response));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    t.teardown(() => server.close());
    const command = [process.execPath, main, '--socket', socket, 'users'].join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let written = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await eventually(() => written.includes('waiting for the daemon: 2 s'), 'it is told');
    t.match(written, /^\rwaiting for the daemon: 1 s/, 'nothing before that');
    for (const response of held) response.end('[]');
    t.equal(await ended, 0);
    t.ok(written.endsWith('\r\u001b[Kno users\r\n'), 'the line is gone');
  },
);
