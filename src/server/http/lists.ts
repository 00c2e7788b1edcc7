/** Lists: what their query parameters ask for, and how a page is answered. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Aliases } from '../../broker/aliases.js';
import type { Clock } from '../../memory/clock.js';
import type { BufferInfo, ClientInfo } from '../../rest/contract.js';
import type { operations } from '../../rest/openapi.gen.js';
import type { ListQuery, Page } from '../lists/collection.js';

/** A validated query: what has a default is there. */
type Query<Id extends keyof operations> = NonNullable<operations[Id]['parameters']['query']>;

/** The filters, sorting and place of `GET /v1/buffers`; a source may be named by any of its names. */
export function bufferQuery(query: unknown, clock: Clock, aliases: Aliases): ListQuery<BufferInfo> {
  const {
    limit = 0,
    sort = '',
    cursor,
    owner_uid,
    owner_pid,
    client,
    unit,
    state,
    kind,
    device,
    format,
    source,
    name,
    lasting_name,
    orphan,
    min_size = 0,
    max_size = Number.POSITIVE_INFINITY,
    older_than,
    newer_than,
  } = query as Query<'listBuffers'>;
  const now = clock.date(clock.now());
  const ageIs = (from: number, to: number, created: string) => {
    const seconds = (now - Date.parse(created)) / 1000;
    return seconds >= from && seconds <= to;
  };
  const anyAge = older_than === undefined && newer_than === undefined;
  return {
    limit,
    sort,
    cursor,
    filter: (buffer) =>
      isOrAny(owner_uid, buffer.owner.uid) &&
      isOrAny(client, buffer.owner.client) &&
      isOrAny(unit, buffer.owner.unit) &&
      isOrAny(owner_pid, buffer.owner.pid) &&
      (state === undefined || state.includes(buffer.state)) &&
      isOrAny(kind, buffer.kind) &&
      isOrAny(device, buffer.device) &&
      isOrAny(format, buffer.format) &&
      (source === undefined || aliases.nameOf(source) === aliases.nameOf(buffer.source)) &&
      (name === undefined || buffer.name?.includes(name) === true) &&
      isOrAny(lasting_name, buffer.lasting?.name ?? null) &&
      isOrAny(orphan, buffer.orphan !== null) &&
      buffer.size >= min_size &&
      buffer.size <= max_size &&
      (anyAge || ageIs(older_than ?? 0, newer_than ?? Number.POSITIVE_INFINITY, buffer.created_at)),
  };
}

/** The filters, sorting and place of `GET /v1/clients`. */
export function clientQuery(query: unknown): ListQuery<ClientInfo> {
  const { limit = 0, sort = '', cursor, uid, unit } = query as Query<'listClients'>;
  return {
    limit,
    sort,
    cursor,
    filter: (client) => isOrAny(uid, client.uid) && isOrAny(unit, client.unit),
  };
}

function isOrAny<T>(asked: T | undefined, value: T | null): boolean {
  return asked === undefined || asked === value;
}

/** Answers with a page, or with some fields of its records, and with where the next page is. */
export function sendPage<T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  { items, next }: Page<T>,
): FastifyReply {
  if (next !== null) {
    const query = request.query as Record<string, string>;
    const parameters = new URLSearchParams({ ...query, cursor: next });
    const path = request.url.split('?', 1)[0];
    reply.header('link', `<${path}?${parameters}>; rel="next"`);
  }
  const { fields } = request.query as { fields?: readonly string[] };
  reply.type('application/json; charset=utf-8');
  if (fields === undefined) return reply.send(`[${items.map(({ text }) => text).join(',')}]`);
  const wanted = new Set(fields);
  const sparse = items.map(({ view }) =>
    Object.fromEntries(Object.entries(view).filter(([name]) => wanted.has(name))),
  );
  return reply.send(JSON.stringify(sparse));
}
