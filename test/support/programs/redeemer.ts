/**
 * A client in another process: `redeemer.js SOCKET TOKEN` redeems a buffer, reads its first bytes,
 * writes `back` behind them, and prints what it got as JSON. It ends by itself.
 */
import { connect } from '../../../src/client/index.js';

const LENGTH = 5;

const [socket = '', token = ''] = process.argv.slice(2);
const client = await connect({ socket, reconnect: false });
const buffer = await client.redeem(token);
const text = buffer.map().write((bytes) => {
  bytes.write('back', LENGTH);
  return bytes.toString('latin1', 0, LENGTH);
});
console.log(JSON.stringify({ id: buffer.id, size: buffer.size, text }));
