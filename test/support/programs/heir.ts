/**
 * A client whose connection another process has, too: it allocates, passes its socket on to a process that
 * sleeps, prints that one's pid, asks for the release of what it has, and ends.
 */
import { spawn } from 'node:child_process';
import { dmabroker_buffer_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { FREE, RawClient } from '../raw-client.js';

const [path = ''] = process.argv.slice(2);
const BUFFER = FREE;

const client = await new RawClient(path).ready();
client.send(client.asking(BUFFER, 4096, 'until_released'));
await client.until((events) => events.some(({ name }) => name === 'dmabroker_buffer_v1.done'));
const heir = spawn('sleep', ['1000'], {
  stdio: ['ignore', 'ignore', 'ignore', client.fd],
  detached: true,
});
console.log(heir.pid);
client.request(dmabroker_buffer_v1, BUFFER, 'release');
process.exit();
