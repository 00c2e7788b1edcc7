/** A client that allocates, says `allocated`, and leaves its connection open: it ends by itself. */
import { connect } from '../../../src/client/index.js';

const [socket = ''] = process.argv.slice(2);
const client = await connect({ socket, reconnect: false });
await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
console.log('allocated');
