/** `GET /v1/events`: sends the head of the answer and leaves the rest to the event stream. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventInfo } from '../../rest/contract.js';
import type { EventStreams } from '../events/streams.js';
import type { Callers } from './callers.js';
import { onHangUp } from './connections.js';

interface Query {
  readonly types?: EventInfo['type'][];
  readonly buffer?: string;
  readonly client?: string;
  readonly uid?: number;
  readonly last_event_id?: string;
}

export function streamEvents(
  streams: EventStreams,
  callers: Callers,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const only = callers.only(request);
  const caller = callers.of(request).name;
  streams.admit(only, caller);
  const { types, buffer, client, uid, last_event_id } = request.query as Query;
  const filter = {
    types: types ?? null,
    buffer: buffer ?? null,
    client: client ?? null,
    uid: uid ?? null,
    only,
  };
  const header = request.headers['last-event-id'];
  const lastId = (typeof header === 'string' ? header : last_event_id) ?? null;
  // When the stream is over, so is the connection.
  reply.type('text/event-stream').header('connection', 'close');
  const headers = reply.getHeaders();
  // From here on nobody else writes to it, and the time for an answer does not run.
  reply.hijack();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.writeHead(200);
  if (request.method === 'HEAD') {
    reply.raw.end();
    return;
  }
  reply.raw.flushHeaders();
  const stream = streams.open(reply.raw, filter, lastId, {
    caller,
    dropped: (reason) => request.log.info({ reason }, 'a reader of events was dropped'),
    mayRead: () => callers.mayStill(request),
  });
  onHangUp(request, () => stream.close());
}
