/**
 * A user that allocates and releases memory of one size, again and again, until its standard input ends:
 * `node neighbour.js SOCKET BYTES HANDLE-TYPE`. Prints a line when it has begun, and what it did at its end.
 */
import { BrokerError, connect } from '../../src/client/index.js';
import type { HandleType } from '../../src/memory/source.js';

const [socket = '', bytes = '', handleType = ''] = process.argv.slice(2);
let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

const client = await connect({ socket });
/** What it let go of counts as its own until the daemon has seen that nobody holds it: until then it is refused. */
const PAUSE_MS = 10;
const request = {
  kind: 'buffer',
  size: Number(bytes),
  handleTypes: [handleType as HandleType],
} as const;

/** Whether it was given memory, which it has let go of by then. */
async function take(): Promise<boolean> {
  try {
    await (await client.allocate(request)).release();
    return true;
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'limit_exceeded') throw error;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return false;
  }
}
await take();
console.log('');
const start = process.hrtime.bigint();
let allocations = 0;
while (!over) {
  if (await take()) allocations++;
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log(JSON.stringify({ allocations, seconds }));
client.close();
