/**
 * Two connections that do not read what they are sent, so that the daemon stops reading from them, and that
 * then send each the other's socket: it waits in the daemon's receive queues. Prints a line, and waits.
 */
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { send } from '../../../src/native/libc/socket.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { FREE, RawClient } from '../raw-client.js';

const [path = ''] = process.argv.slice(2);
const clients = [0, 1].map(() => new RawClient(path, { reading: false }));
for (const client of clients) {
  // Until the socket is full: the daemon takes no more, since nobody reads its answers.
  for (let id = FREE; ; id++) {
    const bytes = client.peer.request(wl_display, 1, 'sync', id);
    if (send(client.fd, bytes, []) !== bytes.length) break;
  }
}
const [one, other] = clients as [RawClient, RawClient];
for (const [from, to] of [
  [one, other],
  [other, one],
] as const) {
  // Perhaps there is room again by now; where there is none, the message before it was as good.
  send(from.fd, Buffer.alloc(1), [to.fd]);
}
sealedMemfd('kept', 4096);
console.log('given');
setInterval(() => {}, 1000);
