/**
 * The name of a request and its answer: in the header `Request-Id` of every answer, in a problem
 * document, and in what the log says of it. It is drawn by chance: a number that is counted would tell
 * each user how much the others ask.
 *
 * One that a client sends is not looked at: a log's lines are found by it, and what a client chose could
 * be long, or somebody else's.
 */
import { randomBytes } from 'node:crypto';

export const REQUEST_ID = 'request-id';

/** Its name in problem documents and in the log. */
export const REQUEST_ID_LABEL = 'request_id';

const BYTES = 8;

export const newRequestId = (): string => randomBytes(BYTES).toString('hex');
