/**
 * A proxy that knows openapi.yaml alone, Prism, stands between a client and a real daemon and refuses what
 * is not as described: every operation goes through it.
 *
 * HEAD of what GET answers with JSON does not: Prism parses the body that there is none of. What HEAD
 * answers is held against the description by head.test.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import type { CreatedBuffer, Token } from '../../../src/rest/contract.js';
import { ctl } from '../../cli/support/ctl.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';
import { npmTools } from '../../support/npm-tools.js';
import { document } from './support/conforms.js';
import { openapiPath } from './support/root.js';

/** Of Prism's own problems. */
const PRISM = 'https://stoplight.io/prism/errors#';

/** 405 is what the daemon answers, with a problem document. */
const NEVER = `
  /healthz:
    delete:
      responses:
        "405":
          description: Not what is answered.
          content:
            application/problem+json:
              schema: { type: object, required: [colour] }
`;

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

// Where they must be installed first.
t.setTimeout(600_000);
const tools = await npmTools('api-checkers');

/** An administrator's token, and a daemon on TCP that knows it. */
async function startDaemon(t: Test) {
  const folder = temporaryFolder(t);
  const made = await ctl(['token', 'new', '--name', 'proxy', '--role', 'admin', '--preview']);
  const [secret = '', , ...entry] = made.stdout.split('\n');
  const [tokens, file] = [join(folder, 'tokens.toml'), join(folder, 'dmabroker.toml')];
  writeFileSync(tokens, entry.join('\n'), { mode: 0o600 });
  writeFileSync(file, `[rest.tcp]\nlisten = "127.0.0.1:0"\ntokens_file = "${tokens}"\n`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  const port = Number(daemon.log.find(({ msg }) => msg === 'REST over TCP')?.port);
  return { daemon, secret, port };
}

/** Prism before a daemon; resolves with its own port. */
async function startPrism(t: Test, description: string, upstream: number): Promise<number> {
  const program = join(tools, '@stoplight/prism-cli/dist/index.js');
  const args = ['proxy', description, `http://127.0.0.1:${upstream}`, '--errors', '--port', '0'];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => end(child));
  for await (const line of createInterface(child.stdout)) {
    const [, port] = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port === undefined) continue;
    child.stdout.resume();
    return Number(port);
  }
  throw new Error('Prism ended');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

t.test('every operation through a proxy that validates', { timeout: 290_000 }, async (t) => {
  const { daemon, secret, port: upstream } = await startDaemon(t);
  // With an answer that the daemon does not give, to see that one which is not described is found.
  const description = join(temporaryFolder(t), 'openapi.yaml');
  const original = readFileSync(openapiPath, 'utf8');
  const described = original.replace('\n  /healthz:\n', NEVER);
  t.not(described, original, 'it is planted');
  writeFileSync(description, described);
  const port = await startPrism(t, description, upstream);

  const send = (method: string, path: string, body?: unknown) =>
    new Promise<Answer>((resolve, reject) => {
      const content = body === undefined ? undefined : JSON.stringify(body);
      const json = content === undefined ? {} : { 'content-type': 'application/json' };
      const headers = { ...json, authorization: `Bearer ${secret}` };
      const options = { host: '127.0.0.1', port, method, path, headers, agent: false };
      const outgoing = request(options, async (answer) => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, headers, text: await text(answer) });
      });
      outgoing.once('error', reject);
      outgoing.end(content);
    });
  const seen = new Set<string>();
  const ask = async (
    id: string,
    values: Readonly<Record<string, string>> = {},
    body?: unknown,
    status?: number,
  ): Promise<Answer> => {
    const [method, template] = operation(id);
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
    const answer = await send(method.toUpperCase(), path + (values.query ?? ''), body);
    t.notMatch(answer.text, PRISM, `${id} ${path}`);
    t.equal(answer.headers['sl-violations'], undefined, `${id} ${path}`);
    t.equal(answer.status, status ?? 200, `${id} ${path}: ${answer.text.slice(0, 300)}`);
    seen.add(id);
    return answer;
  };

  await t.test('it finds what is not as described', async (t) => {
    t.match(await send('DELETE', '/healthz'), { status: 500, text: PRISM }, 'in an answer');
    t.match(await send('DELETE', '/readyz'), { status: 405, text: PRISM }, 'in a method');
    t.match(await send('GET', '/v1/buffers?limit=0'), { status: 422, text: PRISM }, 'in a query');
    t.match(
      await send('POST', '/v1/buffers', { kind: 'buffer', size: 1, colour: 'red' }),
      { status: 422, text: PRISM },
      'in a body',
    );
  });

  const image = { kind: 'image', width: 4, height: 4, format: 'XR24', handle_types: ['memfd'] };
  const lease = { lifetime: { type: 'lease', seconds: 60 } };
  const made = await ask('createBuffer', {}, { ...image, ...lease }, 201);
  await ask('createBuffer', { query: '?dry_run=true' }, image);
  // Refused as described.
  await ask('createBuffer', {}, { ...image, handle_types: ['dma_buf'] }, 422);
  const { id } = (JSON.parse(made.text) as CreatedBuffer).buffer;
  for (const query of ['', '?fields=id,size,owner', '?limit=1&sort=-size']) {
    await ask('listBuffers', { query });
  }
  for (const of of ['getBuffer', 'listTokens', 'previewBuffer', 'getHistory', 'listHolders']) {
    await ask(of, { id });
    await ask(of, { id: 'aaaaaaaaaaaa' }, undefined, 404);
  }
  // Nothing was published of it.
  await ask('getMetadata', { id }, undefined, 404);
  await ask('changeBuffer', { id }, { name: 'proxied' });
  await ask('extendLease', { id }, { seconds: 120 });
  await ask('recallBuffer', { id }, { seconds: 60 });
  await ask('reissueBuffer', { id });
  const shared = await ask('shareBuffer', { id }, { uses: 2, seconds: 60 }, 201);
  const { id: token_id } = JSON.parse(shared.text) as Token;
  await ask('revokeToken', { id, token_id }, undefined, 204);

  const client = await connect({ socket: daemon.clientSocket });
  await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const listed = await ask('listClients');
  const [{ id: connection }] = JSON.parse(listed.text) as [{ id: string }];
  await ask('getClient', { id: connection });
  await ask('listUsers');
  await ask('listCgroups');
  await ask('disconnectClient', { id: connection }, undefined, 204);
  client.close();

  const quota = { scope: 'user', key: '4321' };
  await ask('setQuota', quota, { bytes: 1 << 20 });
  await ask('getQuota', quota);
  await ask('listQuotas');
  await ask('unsetQuota', quota);
  await ask('setLogLevel', {}, { level: 'debug' });
  await ask('releaseBuffer', { id }, undefined, 204);
  for (const file of ['start.js', 'swagger-ui.css', 'swagger-ui-bundle.js']) {
    await ask('getDocsFile', { file });
  }
  for (const of of operations()) {
    const [method, template] = operation(of);
    if (method === 'get' && !template.includes('{') && of !== 'streamEvents') await ask(of);
  }
  await ask('drainPool');
  for (const of of ['headOpenapi', 'headDocs', 'headMetrics', 'headStreamEvents']) await ask(of);

  // Prism hands a body on when it is whole: this one ends with the daemon.
  const stream = ask('streamEvents');
  const reads = async () =>
    /^dmabroker_event_readers 1$/m.test((await daemon.rest('GET', '/metrics')).body);
  await eventually(reads, 'the stream has begun');
  await daemon.stop();
  t.match((await stream).text, /^event: dropped$/m);
  t.same(
    operations().filter((of) => !seen.has(of) && !of.startsWith('head')),
    [],
  );
});

function operations(): string[] {
  return Object.values(document.paths).flatMap((item) =>
    Object.values(item).flatMap(({ operationId }) => operationId ?? []),
  );
}

/** The method and the path of an operation. */
function operation(id: string): [method: string, path: string] {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId }] of Object.entries(item)) {
      if (operationId === id) return [method, path];
    }
  }
  throw new Error(`there is no operation ${id}`);
}
