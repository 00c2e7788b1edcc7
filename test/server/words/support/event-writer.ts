/** Writes events into memory of few rows, all in one turn: what main has not read, it waits for. */
import { parentPort, workerData } from 'node:worker_threads';
import { EventWriter } from '../../../../src/server/words/event-writer.js';
import { FakeClock } from '../../../support/clock.js';

const { memory, count } = workerData as { memory: SharedArrayBuffer; count: number };
const clock = new FakeClock();
const writer = new EventWriter(memory, (batch) => parentPort?.postMessage(batch));
for (let i = 0; i < count; i++) {
  writer.write({ type: 'device.lost', reason: `${i}` }, clock.today);
}
writer.send();
