/**
 * From a validated request to an operation, and from what it answers to status and headers: all of it as
 * openapi.yaml says of the operation, whoever answers it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../memory/clock.js';
import type { Call, OperationId } from '../../rest/operation.js';
import { etagOf, includesWeakly } from '../words/etag.js';
import type { MainOperation, PlaneOperation, Questions } from '../words/questions.js';
import type { Callers } from './callers.js';
import { Idempotency } from './idempotency.js';
import type { Asked, createHandlers, Handler } from './operations.js';
import type { Operation } from './spec.js';
import type { RestWorld } from './world.js';

type Handlers = ReturnType<typeof createHandlers>;

export class Answers {
  readonly #idempotency: Idempotency;

  constructor(
    private readonly plane: RestWorld['plane'],
    private readonly handlers: Handlers,
    private readonly callers: Callers,
    clock: Clock,
  ) {
    this.#idempotency = new Idempotency(clock);
  }

  /** Answers a request. What is returned is sent; undefined: the handler has sent it. */
  async answer(
    operation: Operation,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const { id } = operation;
    const handler = (id in this.handlers
      ? this.handlers[id as MainOperation]
      : (asked: Asked<PlaneOperation>) =>
          this.#forward(operation, asked)) as unknown as Handler<OperationId>;
    const value = await handler(this.#asked(operation, request, reply));
    if (value === undefined || value === reply) return value;
    if (reply.statusCode === 200) reply.code(operation.success);
    if (value === null) return undefined;
    if (!operation.tagged) return value;
    const etag = etagOf(value);
    reply.header('etag', etag);
    const known = request.headers['if-none-match'];
    const same = operation.conditional && known !== undefined && includesWeakly(known, etag);
    return same ? reply.code(304).send() : value;
  }

  #asked(
    { id, parameters }: Operation,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Asked<OperationId> {
    const { callers } = this;
    const answers = this.#idempotency;
    const { name, requester } = callers.of(request);
    const { params, query, body, headers } = request;
    // Of an operation that is not described with one, it is any other header: not looked at.
    const described = (name: string) =>
      name in parameters.header ? (headers[name] as string | undefined) : undefined;
    const [ifMatch, key] = [described('if-match'), described('idempotency-key')];
    return {
      ...({ params, query, body } as Call<OperationId>),
      ...(ifMatch !== undefined && { ifMatch }),
      request,
      reply,
      callers,
      by: requester,
      // What is for those, too, of whom nothing is known has nobody's things in it, and does not ask.
      get only() {
        return callers.only(request);
      },
      once(make) {
        return answers.run(name, key, [id, params, body, ifMatch, this.only], make);
      },
    };
  }

  /** Asks the data plane. Who only looks does nothing that would have to be told of. */
  #forward({ id, method }: Operation, asked: Asked<PlaneOperation>): Promise<unknown> {
    const { params, query, body, ifMatch, by, only } = asked;
    const call = { params, query, body, ...(ifMatch !== undefined && { ifMatch }) };
    return asked.once(() =>
      this.plane.ask(
        id as PlaneOperation,
        call as Questions[PlaneOperation]['parameters'],
        method === 'GET' ? null : by,
        only,
      ),
    );
  }
}
