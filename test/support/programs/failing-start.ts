/**
 * Starts a daemon of which one step fails: `failing-start FOLDER STEP`. Prints why it did not start; that
 * this process then ends by itself shows that no thread is left.
 */
import { join } from 'node:path';
import { messageOf } from '../../../src/memory/errors.js';
import { SystemClock } from '../../../src/native/clock.js';
import { Writer } from '../../../src/native/writer.js';
import { loadConfig } from '../../../src/server/config/config.js';
import { Daemon } from '../../../src/server/daemon.js';
import { Log } from '../../../src/server/log/log.js';
import { serviceManager } from '../../../src/server/machine/manager.js';

const [folder = '', failing = ''] = process.argv.slice(2);
const clock = new SystemClock();
const log = new Log(new Writer(2), 'error');
process.on('exit', () => log.flush());
const commandLine = {
  clients: { socket: join(folder, 'c.sock') },
  rest: { socket: join(folder, 'r.sock') },
  log: { level: 'error' },
} as const;
try {
  await Daemon.start({
    threads: new URL('../../../src/server/', import.meta.url),
    loaded: await loadConfig(null, commandLine, clock),
    stateDir: join(folder, 'state'),
    inherited: [],
    manager: serviceManager((what) => console.log(what)),
    log,
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
