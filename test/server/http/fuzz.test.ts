/**
 * 1,000 requests to a real daemon (200,000 by night), generated from openapi.yaml's operations: right, nearly right and
 * hostile, and half of them such as a working administrator sends, so that there is always something to
 * be hostile to. None gets a 5xx or an answer that is not described, and afterwards the registry has what
 * a recount of the answers says, and no fd is left open.
 */
import { Agent } from 'node:http';
import fc from 'fast-check';
import t from 'tap';
import { TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { atNight } from '../../support/night.js';
import { violation } from './support/conforms.js';
import { generators } from './support/operations.js';
import { type Generated, Model, textOf, usual } from './support/requests.js';
import { type Answer, send } from './support/server.js';

const REQUESTS = atNight(1000, 200_000);
/**
 * How often something is really done at least in 20,000, a third of what can be expected to two thirds; half as often
 * in the gate's few.
 */
const LEAST = {
  'POST /v1/buffers': 1500,
  'DELETE /v1/buffers/{id}': 1000,
  'PATCH /v1/buffers/{id}': 500,
  'POST /v1/buffers/{id}/tokens': 500,
  'POST /v1/buffers/{id}/extend': 500,
  'POST /v1/buffers/{id}/recall': 200,
  'GET /v1/buffers': 300,
};
/** Sent at the same time, over as many connections. */
const BATCH = 16;

/** What Node's client would not send. */
const sendable = (value: string) => value.replace(/[^\x20-\x7e]/g, '?');

// Minutes where other tests run at the same time.
t.setTimeout(atNight(280_000, 3_600_000));

async function fetchPreview(daemon: TestDaemon, id: string): Promise<Answer> {
  const agent = new Agent();
  return send(agent, daemon.restSocket, 'GET', `/v1/buffers/${id}/preview.png`);
}

await withoutLeaks(t, 'generated requests', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  // The thread that makes previews starts with the first one, and has fds of its own.
  const image = { kind: 'image', width: 8, height: 8, format: 'XR24', handle_types: ['memfd'] };
  const { body } = await daemon.rest('POST', '/v1/buffers', image);
  const preview = await fetchPreview(daemon, body.buffer.id);
  t.equal(preview.status, 200);
  await daemon.rest('DELETE', `/v1/buffers/${body.buffer.id}`);
  const fds = await daemon.idleFds();
  const agent = new Agent({ keepAlive: true, maxSockets: BATCH });
  const model = new Model();
  const statuses = new Map<string, number>();
  let sent = 0;
  /** What was really done, by operation. */
  const done = new Map<string, number>();

  const request = async (generated: Generated) => {
    const { method, header, body } = generated;
    const url = model.urlOf(generated);
    const headers = Object.fromEntries(
      Object.entries(header).map(([name, value]) => [name, sendable(textOf(value) ?? '')]),
    );
    const answer = await send(agent, daemon.restSocket, method, url, { headers, body });
    model.note(generated, url, answer);
    sent++;
    const operation = `${method} ${generated.template}`;
    if (answer.status < 300) done.set(operation, (done.get(operation) ?? 0) + 1);
    const kind = `${answer.status}`;
    statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
    const found = violation(method, url, answer);
    if (found !== undefined) throw new Error(`${method} ${url}: ${found}`);
    // 507: there is no memory for what was asked, and the refusal says so.
    if (answer.status >= 500 && answer.status !== 507) {
      throw new Error(`${method} ${url} ${JSON.stringify(body)}: ${answer.text}`);
    }
  };

  t.test('every answer is a described one', { timeout: atNight(280_000, 3_000_000) }, async (t) => {
    const any = fc.oneof(usual, fc.oneof(...generators));
    const batch = fc.array(any, { minLength: BATCH, maxLength: BATCH });
    await fc.assert(
      fc.asyncProperty(batch, async (requests) => {
        await Promise.all(requests.map(request));
        await Promise.all(model.amends().map(request));
      }),
      { numRuns: Math.ceil(REQUESTS / BATCH), endOnFailure: true },
    );
    t.comment(Object.fromEntries(statuses));
    t.comment(Object.fromEntries([...done].sort()));
    t.ok(sent >= REQUESTS);
    for (const [operation, least] of Object.entries(LEAST)) {
      const times = done.get(operation) ?? 0;
      t.ok(
        times >= (least * REQUESTS) / atNight(40_000, 20_000),
        `${operation} succeeded ${times} times`,
      );
    }
    for (const status of ['200', '201', '204', '400', '404', '412', '422']) {
      t.ok(statuses.get(status), `some are answered with ${status}`);
    }
  });

  t.test('the registry is as a recount says', async (t) => {
    const kept = (await daemon.buffers()).filter(
      // Of a lease that may have ended meanwhile nothing is known.
      ({ id, released_at }) => released_at === null && !model.fleeting.has(id),
    );
    t.same(kept.map(({ id }) => id).sort(), [...model.buffers].sort());
    t.same(await daemon.clients(), []);
    t.same(daemon.errors, []);
    for (const id of model.buffers) {
      t.equal((await daemon.rest('DELETE', `/v1/buffers/${id}`)).status, 204);
    }
    agent.destroy();
    await daemon.settled(fds);
  });
});
