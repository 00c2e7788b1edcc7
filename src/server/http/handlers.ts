/**
 * What each operation of openapi.yaml does: ask the data plane, and say the answer's status and
 * headers. The compiler demands a handler for each operationId.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../memory/clock.js';
import type { Matrix } from '../../pixels/ycbcr.js';
import type {
  BufferChange,
  BufferInfo,
  CreateBuffer,
  LogLevelInfo,
  QuotaInfo,
  QuotaRule,
  TokenRequest,
} from '../../rest/contract.js';
import type { EventStreams } from '../events/streams.js';
import type { Losses } from '../log/queue.js';
import type { ControlPlane, OwnPlane } from '../words/control.js';
import { etagOf, includesWeakly, quotaState } from '../words/etag.js';
import type { PreviewTerms } from '../words/preview.js';
import type { Change, QuotaChange } from '../words/requester.js';
import type { Callers } from './callers.js';
import { sendDocsFile, sendDocsPage } from './docs.js';
import { streamEvents } from './event-stream.js';
import { Idempotency } from './idempotency.js';
import { bufferQuery, clientQuery, sendPage } from './lists.js';
import type { Metrics } from './metrics.js';
import type { OperationId, Spec } from './spec.js';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** The handlers, by operationId. Requests were validated before they get here. */
export function createHandlers(
  control: ControlPlane,
  spec: Spec,
  streams: EventStreams,
  metrics: Metrics,
  starts: number | null,
  callers: Callers,
  clock: Clock,
  lost: () => Losses,
): Record<OperationId, Handler> {
  const idempotency = new Idempotency(clock);
  // Its bytes are the same in all answers that wait to be read.
  const text = Buffer.from(spec.text);
  const by = (request: FastifyRequest) => callers.of(request).requester;
  /** For what owners may ask, too. */
  const planeOf = (request: FastifyRequest): OwnPlane => {
    const only = callers.only(request);
    return only === null ? control : control.ownedBy(only);
  };
  return {
    getHealth: () => control.health(),
    getOpenapi: async (_request, reply) => {
      reply.type('application/yaml');
      return text;
    },
    getDocs: async (_request, reply) => sendDocsPage(reply),
    getDocsFile: (request, reply) => {
      const { file } = request.params as { file: string };
      return sendDocsFile(reply, file);
    },
    getMetrics: async (_request, reply) => {
      const text = await metrics.text(await control.metrics(), {
        leaks: await control.leaks(),
        eventReaders: streams.count,
        starts,
        lost: lost(),
      });
      reply.type(metrics.registry.contentType);
      return text;
    },
    getDevice: () => control.device(),
    listDevices: () => control.devices(),
    listFormats: ({ query }) => control.formats((query as { device?: string }).device),
    listBuffers: async (request, reply) =>
      sendPage(
        request,
        reply,
        await planeOf(request).listBuffers(bufferQuery(request.query, clock)),
      ),
    createBuffer: async (request, reply) => {
      const { name: caller, requester } = callers.of(request);
      // Converted by the check of the query.
      const { dry_run } = request.query as { dry_run?: boolean };
      if (dry_run) return planeOf(request).planBuffer(request.body as CreateBuffer, requester);
      const key = idempotencyKey(request);
      const body = request.body as CreateBuffer;
      const created = await idempotency.run(
        caller,
        key,
        ['createBuffer', body, callers.only(request)],
        () => planeOf(request).createBuffer(body, requester),
      );
      reply.code(201).header('location', `/v1/buffers/${created.buffer.id}`);
      return created;
    },
    getBuffer: async (request, reply) => {
      const buffer = await planeOf(request).getBuffer(idOf(request));
      const etag = etagOf(buffer);
      const { 'if-none-match': known } = request.headers;
      reply.header('etag', etag);
      if (known === undefined || !includesWeakly(known, etag)) return buffer;
      return reply.code(304).send();
    },
    changeBuffer: async (request, reply) => {
      const { name } = request.body as BufferChange;
      const buffer = await planeOf(request).renameBuffer(changeOf(request), name, by(request));
      return tagged(reply, buffer);
    },
    releaseBuffer: async (request, reply) => {
      await planeOf(request).releaseBuffer(changeOf(request), by(request));
      reply.code(204);
    },
    reissueBuffer: async (request, reply) =>
      tagged(reply, await planeOf(request).reissueBuffer(changeOf(request), by(request))),
    extendLease: async (request, reply) => {
      const { seconds } = request.body as { seconds: number };
      const extended = planeOf(request).extendLease(changeOf(request), seconds, by(request));
      return tagged(reply, await extended);
    },
    recallBuffer: async (request, reply) => {
      const { seconds } = request.body as { seconds: number };
      return tagged(reply, await control.recallBuffer(changeOf(request), seconds, by(request)));
    },
    listTokens: (request) => planeOf(request).listTokens(idOf(request)),
    shareBuffer: async (request, reply) => {
      const caller = callers.of(request).name;
      const change = changeOf(request);
      const terms = request.body as TokenRequest;
      const asked = ['shareBuffer', change, terms, callers.only(request)];
      const token = await idempotency.run(caller, idempotencyKey(request), asked, () =>
        planeOf(request).shareBuffer(change, terms, by(request)),
      );
      reply.code(201);
      return token;
    },
    revokeToken: async (request, reply) => {
      const { token_id } = request.params as { token_id: string };
      await planeOf(request).revokeToken(changeOf(request), token_id, by(request));
      reply.code(204);
    },
    previewBuffer: async (request, reply) => {
      const { max, matrix, range } = request.query as PreviewQuery;
      const buffer = await control.getBuffer(idOf(request));
      const terms = { max, range, matrix: matrix ?? usualMatrix(buffer.height) };
      const png = await control.preview(buffer.id, terms, by(request));
      // A picture takes its time; who may no longer see it does not get it.
      callers.checkAgain(request);
      reply.type('image/png').headers({ 'x-ycbcr-matrix': terms.matrix, 'x-ycbcr-range': range });
      return Buffer.from(png);
    },
    getHistory: (request) => planeOf(request).history(idOf(request)),
    listHolders: (request) => planeOf(request).holders(idOf(request)),
    listClients: async (request, reply) =>
      sendPage(request, reply, await planeOf(request).listClients(clientQuery(request.query))),
    getClient: (request) => planeOf(request).getClient(idOf(request)),
    disconnectClient: async (request, reply) => {
      await planeOf(request).disconnectClient(idOf(request), by(request));
      reply.code(204);
    },
    getLogLevel: () => control.logLevel(),
    setLogLevel: async (request) => {
      const info = request.body as LogLevelInfo;
      // With the level of before: what is logged less from now on is told that it will be.
      request.log.warn(info, 'the log level is changed');
      return control.setLogLevel(info, by(request));
    },
    getConfig: () => control.config(),
    streamEvents: async (request, reply) => streamEvents(streams, callers, request, reply),
    getLeaks: (request) => planeOf(request).leaks(),
    getPool: () => control.pool(),
    drainPool: (request) => control.drainPool(by(request)),
    listUsers: (request) => planeOf(request).listUsers(),
    listCgroups: (request) => planeOf(request).listCgroups(),
    listQuotas: (request) => planeOf(request).listQuotas(),
    getQuota: async (request, reply) => {
      const { scope, key } = quotaOf(request);
      return taggedQuota(reply, await planeOf(request).getQuota(scope, key));
    },
    setQuota: async (request, reply) => {
      const rule = request.body as QuotaRule;
      return taggedQuota(reply, await control.setQuota(quotaOf(request), rule, by(request)));
    },
    unsetQuota: async (request, reply) =>
      taggedQuota(reply, await control.setQuota(quotaOf(request), null, by(request))),
  };
}

type PreviewQuery = Omit<PreviewTerms, 'matrix'> & { readonly matrix?: Matrix };

/** What players assume where nothing is said: BT.709 from 720 rows on, BT.601 below. */
const usualMatrix = (height: number | null): Matrix => ((height ?? 0) >= 720 ? 'bt709' : 'bt601');

function quotaOf(request: FastifyRequest): QuotaChange {
  const { scope, key } = request.params as { scope: string; key: string };
  return { scope, key, ifMatch: request.headers['if-match'] };
}

function changeOf(request: FastifyRequest): Change {
  return { id: idOf(request), ifMatch: request.headers['if-match'] };
}

function tagged(reply: FastifyReply, buffer: BufferInfo): BufferInfo {
  reply.header('etag', etagOf(buffer));
  return buffer;
}

function taggedQuota(reply: FastifyReply, quota: QuotaInfo): QuotaInfo {
  reply.header('etag', etagOf(quotaState(quota)));
  return quota;
}

function idempotencyKey(request: FastifyRequest): string | undefined {
  return (request.headers as { 'idempotency-key'?: string })['idempotency-key'];
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}
