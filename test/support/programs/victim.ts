/**
 * A client to be killed. `victim.js SOCKET holding` allocates 100 buffers and says `ready`;
 * `victim.js SOCKET asking` asks for 60 and says `ready` before the answers are read.
 */
import { connect } from '../../../src/client/index.js';
import { FREE, RawClient } from '../raw-client.js';

const [socket = '', what = ''] = process.argv.slice(2);
const HELD = 100;
const ASKED = 60;

if (what === 'holding') {
  const client = await connect({ socket, reconnect: false });
  for (let i = 0; i < HELD; i++) {
    await client.allocate({ kind: 'buffer', size: 65_536, handleTypes: ['memfd'] });
  }
} else {
  const client = await new RawClient(socket).ready();
  for (let i = 0; i < ASKED; i++) client.send(client.asking(FREE + 2 * i, 2 ** 20));
}
console.log('ready');
// To be killed, not to end by itself.
setInterval(() => {}, 2 ** 30);
