/**
 * A client that leaks: `hoarder.js SOCKET TOKEN` redeems a buffer, says so, and then allocates another
 * memfd every 200 ms and gives none back.
 */
import { setTimeout } from 'node:timers/promises';
import { connect } from '../../../src/client/index.js';

const [socket = '', token = ''] = process.argv.slice(2);
const client = await connect({ socket, reconnect: false });
const held = [await client.redeem(token)];
console.log('has it');
for (;;) {
  held.push(await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] }));
  await setTimeout(200);
}
