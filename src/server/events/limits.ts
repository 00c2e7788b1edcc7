/** Every limit of the event stream, with its source. */

/**
 * Events that are kept. The end of the heaviest client (MAX_BUFFERS_PER_CLIENT) is 32,769 events at
 * once, two for each buffer: a reader that had read everything before must not miss one of them.
 */
export const EVENT_RING_SIZE = 65_536;

/** Streams at a time: a quarter of the connections (CONNECTION_LIMIT), so that others are served. */
export const MAX_EVENT_READERS = 16;

/** Of them, for users who are told only what is theirs; the others are for those with a role. */
export const MAX_OWNER_READERS = 8;

/** Of these, for one user. */
export const MAX_READERS_PER_OWNER = 2;

/** For one user or token with a role. */
export const MAX_READERS_PER_CALLER = 6;

/**
 * Milliseconds between signs of life; proxies and clients give up after 30 s or more, and the server
 * itself after CONNECTION_TIMEOUT_MS without a byte.
 */
export const HEARTBEAT_MS = 15_000;

/** Heartbeats without a byte read, after which a reader is dropped. */
export const MAX_SILENT_HEARTBEATS = 2;

/** Milliseconds that a dropped reader has to read why. */
export const DROP_GRACE_MS = 5_000;

/** What a client is told to wait before it connects again (`retry:`). */
export const RETRY_MS = 1_000;
