/**
 * Starts a daemon of which one step fails, with each step in turn: `failing-start FOLDER`; each has a folder of its own in that.
 * Prints a line a step: why it did not start, and what is left of it here. That this process then ends by itself shows that
 * no thread is left.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../src/memory/errors.js';
import { SystemClock } from '../../../src/native/clock.js';
import { Writer } from '../../../src/native/writer.js';
import { loadConfig } from '../../../src/server/config/config.js';
import { Daemon } from '../../../src/server/daemon.js';
import { Log } from '../../../src/server/log/log.js';
import { serviceManager } from '../../../src/server/machine/manager.js';
import { START_STEPS, type StartStep } from '../../../src/server/start.js';
import { StateFolder } from '../../../src/server/state/folder.js';

const [folder = ''] = process.argv.slice(2);
const clock = new SystemClock();
const log = new Log(new Writer(2), 'error');
process.on('exit', () => log.flush());

/** The message of what it failed with. */
async function start(own: string, failing: StartStep): Promise<string> {
  const commandLine = {
    clients: { socket: join(own, 'c.sock') },
    rest: { socket: join(own, 'r.sock') },
    log: { level: 'error' },
  } as const;
  try {
    await Daemon.start({
      threads: new URL('../../../bundle/server/', import.meta.url),
      loaded: await loadConfig(null, commandLine, clock),
      stateDir: join(own, 'state'),
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
    return 'it has started';
  } catch (error) {
    return messageOf(error);
  }
}

for (const step of START_STEPS) {
  const own = join(folder, step);
  mkdirSync(own);
  const message = await start(own, step);
  const files = readdirSync(own).filter((name) => name !== 'state');
  // While this process has what it has.
  const state = StateFolder.open(join(own, 'state'));
  console.log(JSON.stringify({ message, files, locked: state.problem }));
  state.close();
}
