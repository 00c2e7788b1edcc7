/** Every limit of the REST server, with its source. Fastify's own time-outs default to 0 (off). */

/** Milliseconds for the whole request to arrive; a person's curl over a Unix socket needs a few. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Milliseconds for the header to arrive: Node wants it to be at most the request's. */
export const HEADERS_TIMEOUT_MS = 5_000;

/** How often Node looks for requests that are too slow. */
export const SLOW_REQUEST_CHECK_MS = 1_000;

/**
 * Milliseconds that the data plane has for an answer. Zeroing gigabytes for a new buffer takes
 * seconds; nothing takes longer than that unless it hangs.
 */
export const HANDLER_TIMEOUT_MS = 30_000;

/** Milliseconds without a byte after which a connection is closed: longer than an answer may take. */
export const CONNECTION_TIMEOUT_MS = HANDLER_TIMEOUT_MS + 10_000;

/** Milliseconds that an idle connection is kept for another request (Node's own default). */
export const KEEP_ALIVE_TIMEOUT_MS = 5_000;

/** Milliseconds that a daemon which stops gives to requests: Node's own limits end with the listener. */
export const CLOSING_MS = 2_000;

/** Requests of one connection that are not answered yet: those who pipeline send two or three. */
export const MAX_PIPELINED = 8;

/** Milliseconds that a request waits for memory (`wait_ms` of openapi.yaml): its connection is taken for as long. */
export const MAX_REST_WAIT_MS = 600_000;

/** Requests that wait so at a time, of which one user gets a half at most. */
export const MAX_REST_WAITS = 16;

/** Bytes of a body. The largest useful one, an image with 256 modifiers, has under 8 KiB. */
export const BODY_LIMIT = 16 * 1024;

/** Bytes of request line and header together; Node's default, 16 KiB, is made for cookies. */
export const HEADER_LIMIT = 8 * 1024;

/** Characters of a path parameter: as many as the longest may have, a quota's key, which is a control group's path. */
export const PATH_PARAMETER_LIMIT = 4096;

/** Seconds that a creation's answer is kept for its Idempotency-Key: longer than anybody retries. */
export const IDEMPOTENCY_SECONDS = 3600;

/** Answers that are kept for one user: about a megabyte. */
export const IDEMPOTENCY_KEYS_PER_USER = 1000;

/** Answers that are kept for all of them, of which one gets a half at most: about 16 MB. */
export const MAX_IDEMPOTENCY_KEYS = 16_384;

/** Connections at a time: each costs a file descriptor that a client's buffer could need. */
export const CONNECTION_LIMIT = 64;

/** Of them, those of all users without a role: the others are for administrators and monitors. */
export const USERS_CONNECTION_LIMIT = 48;

/**
 * For one user who is no administrator: two streams of events and some commands at the same time; for a
 * reader some scrapers.
 */
export const CONNECTIONS_PER_USER = 12;

/** Over TCP, of CONNECTION_LIMIT: connections on which no good token was seen; others take their place. */
export const STRANGER_LIMIT = 24;

/** The rest of them: on which one was. */
export const KNOWN_CONNECTION_LIMIT = CONNECTION_LIMIT - STRANGER_LIMIT;

/** Of these, for one token. */
export const CONNECTIONS_PER_TOKEN = 16;

/** Users whose requests are counted at a time; the one heard of least recently is forgotten. */
export const MAX_RATE_KEYS = 1024;
