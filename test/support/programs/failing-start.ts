/**
 * Starts a daemon of which one step fails: `failing-start FOLDER STEP`. Prints why it did not start; that
 * this process then ends by itself shows that no thread is left.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { messageOf } from '../../../src/broker/errors.js';
import { SystemClock } from '../../../src/native/clock.js';
import { loadConfig } from '../../../src/server/config.js';
import { Daemon } from '../../../src/server/daemon.js';

const [folder = '', failing = ''] = process.argv.slice(2);
const clock = new SystemClock();
const overrides = {
  socket: join(folder, 'c.sock'),
  restSocket: join(folder, 'r.sock'),
  logLevel: 'error',
} as const;
try {
  await Daemon.start({
    threads: new URL('../../../src/server/', import.meta.url),
    loaded: loadConfig(null, overrides, clock),
    stateDir: join(folder, 'state'),
    logger: pino({ level: 'error' }, pino.destination({ fd: 2, sync: true })),
    clock,
    fatal: (error) => {
      console.error(error);
      process.abort();
    },
    step: (name) => {
      if (name === failing) throw new Error(`${name} fails`);
    },
  });
  console.log('it has started');
} catch (error) {
  console.log(messageOf(error));
}
