/**
 * The end of a server that closes. Node's time limits for slow requests end with its listener, so that whoever sends one
 * byte now and then, or does not read an answer, would keep the daemon from stopping for ever.
 */
import type { Server } from 'node:http';
import { CLOSING_MS } from './limits.js';

/** To be called when it begins to close. What is answered by then is answered. */
export function closeSoon(server: Server): void {
  const late = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
  server.once('close', () => clearTimeout(late));
}
