/**
 * A user that allocates and releases memory of one size, again and again, until its standard input ends:
 * `node neighbour.js SOCKET BYTES HANDLE-TYPE`. Prints a line when it has begun, and what it did at its end.
 */
import { connect } from '../../src/client/index.js';
import type { HandleType } from '../../src/memory/source.js';

const [socket = '', bytes = '', handleType = ''] = process.argv.slice(2);
let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

const client = await connect({ socket });
const take = async () => {
  const buffer = await client.allocate({
    kind: 'buffer',
    size: Number(bytes),
    handleTypes: [handleType as HandleType],
  });
  await buffer.release();
};
await take();
console.log('');
const start = process.hrtime.bigint();
let allocations = 0;
while (!over) {
  await take();
  allocations++;
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log(JSON.stringify({ allocations, seconds }));
client.close();
