/** dmabrokerctl at a URL: the token goes into one header, and nowhere else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startServer, temporaryFolder } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl } from './support/again.js';
import { ctl as ctlAlone } from './support/ctl.js';

const TOKEN = 'secret-token-0123456789';

/** A server on a port of its own, and what it was asked. */
async function serve(t: Test, status: number, body: unknown) {
  const asked: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}`, port };
}

function tokenFile(t: Test, content = `${TOKEN}\n`): string {
  const file = join(temporaryFolder(t), 'token');
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

await withoutLeaks(t, 'url', async (t) => {
  t.test('options or environment name the address and the token', async (t) => {
    const { asked, url, port } = await serve(t, 200, []);
    const file = tokenFile(t);
    t.match(await ctl(['--url', url, '--token-file', file, 'clients', '--json']), {
      status: 0,
      stdout: '[]\n',
    });
    const env = { DMABROKER_URL: url, DMABROKER_TOKEN_FILE: file };
    t.match(await ctl(['clients'], env), { status: 0, stdout: 'no clients\n' });
    t.same(
      asked.map(({ headers }) => [headers.host, headers.authorization]),
      Array(2).fill([`127.0.0.1:${port}`, `Bearer ${TOKEN}`]),
    );
  });

  t.test('a socket that is named goes before the environment', async (t) => {
    const { asked, url } = await serve(t, 500, {});
    const { socketPath } = await startServer(t);
    const env = { DMABROKER_URL: url, DMABROKER_TOKEN_FILE: tokenFile(t) };
    t.match(await ctl(['--socket', socketPath, 'list'], env), { status: 0 });
    t.same(asked, []);
    const both = await ctl(['--socket', socketPath, '--url', url, 'list'], env);
    t.match(both, { status: 2, stderr: /'--socket <path>' cannot be used with/ });
    const unused = await ctl(['--socket', socketPath, '--token-file', 'file', 'list']);
    t.match(unused, { status: 2, stderr: /--token-file is for --url/ });
  });

  t.test('a refusal and an address without a daemon', async (t) => {
    const problem = { code: 'permission_denied', detail: 'the token is not good', status: 401 };
    const { url } = await serve(t, 401, problem);
    const file = tokenFile(t);
    const refused = await ctl(['--url', url, '--token-file', file, 'list']);
    t.match(refused, { status: 1, stderr: /^dmabrokerctl: permission_denied: / });
    const nobody = await ctl(['--url', 'http://127.0.0.1:1', '--token-file', file, 'list']);
    t.match(nobody, { status: 3, stderr: /nobody listens on http:\/\/127\.0\.0\.1:1\n/ });
    for (const { stdout, stderr } of [refused, nobody]) t.notMatch(stdout + stderr, TOKEN);
  });

  t.test('what is no address or no token is refused, and not repeated', async (t) => {
    const good = tokenFile(t);
    const cases: [string, string, RegExp][] = [
      [TOKEN, good, /the URL must be http/],
      [`ftp://${TOKEN}/`, good, /the URL must be http/],
      [`http://user:${TOKEN}@localhost`, good, /a host and a port alone/],
      [`http://localhost/?token=${TOKEN}`, good, /a host and a port alone/],
      ['http://broker.example', good, /in the clear: use https/],
      ['http://127.0.0.1.example', good, /in the clear: use https/],
      ['http://127.0.0.1', tokenFile(t, `${TOKEN} ${TOKEN}`), /has no token in it, or more/],
      ['http://127.0.0.1', tokenFile(t, `${TOKEN}\r\nx: y`), /has no token in it, or more/],
      ['http://127.0.0.1', tokenFile(t, '\n'), /has no token in it/],
      ['http://127.0.0.1', '/nonexistent', /no token can be read/],
    ];
    for (const [url, file, message] of cases) {
      const run = await ctl(['--url', url, '--token-file', file, 'list']);
      t.match(run, { status: 2, stdout: '', stderr: message });
      t.notMatch(run.stderr, TOKEN);
    }
    t.match(await ctl(['--url', 'http://127.0.0.1', 'list']), {
      status: 2,
      stderr: /a URL needs --token-file/,
    });
  });

  t.test('the token is in no argument and in no variable of the process', async (t) => {
    const file = tokenFile(t);
    const seen: string[] = [];
    const server = createServer((_request, response) => {
      // The command waits for this answer: its /proc entries are those of a running request.
      for (const name of ['cmdline', 'environ']) seen.push(proc(name));
      response.end('[]');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const args = ['--url', `http://127.0.0.1:${port}`, '--token-file', file, 'clients'];
    let pid = 0;
    const proc = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
    t.match(await ctlAlone(args, {}, (started) => (pid = started)), { status: 0 });
    t.match(seen[0], '--token-file');
    t.equal(seen.length, 2);
    for (const text of seen) t.notMatch(text, TOKEN);
  });
});
