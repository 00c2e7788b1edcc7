/** dmabrokerd: its log, its signals, and the daemon. */

import { resolve } from 'node:path';
import { messageOf } from '../memory/errors.js';
import { SystemClock } from '../native/clock.js';
import { regionMemory } from '../native/cma-regions.js';
import { collectHeap, giveBackFree, shareHeaps } from '../native/heap.js';
import { takeInherited } from '../native/inherited.js';
import { Writer } from '../native/writer.js';
import { packageVersion } from '../package-root.js';
import {
  checkedFile,
  configFile,
  dmabrokerd,
  type Options,
  tablesOf,
} from './config/command-line.js';
import { type Loaded, loadConfig } from './config/config.js';
import { ConfigError } from './config/config-error.js';
import { checkedMachine, thisMachine } from './config/machine.js';
import type { Daemon } from './daemon.js';
import { deviceView, sourceView } from './lists/inventory-views.js';
import { ERROR, prefixFor } from './log/journal.js';
import { Log } from './log/log.js';
import { HandedSockets } from './machine/handed-sockets.js';
import { serviceManager } from './machine/manager.js';
import { NamesLater, SilentDirectory } from './machine/names.js';
import { closeDebugger, onSignals } from './machine/signals.js';
import { Allocator } from './threads/data-plane.js';
import { keepYoung } from './threads/young.js';

/** First: no child and no thread is to have them. */
const inherited = takeInherited();
// Before any thread is started.
shareHeaps();

const EXIT_CONFIG = 2;
const STDERR = 2;
/** After that long all is loaded that a start loads (config/ajv.ts). */
const STARTED_MS = 2000;
const clock = new SystemClock();
/** Where the other threads' files stand. */
const threads = new URL('.', import.meta.url);

const prefixed = prefixFor(STDERR);
const options = dmabrokerd(packageVersion())
  .configureOutput({ writeErr: (text) => process.stderr.write(prefixed(text, ERROR)) })
  // A wrong option is a wrong configuration.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_CONFIG))
  .parse()
  .opts<Options>();

/** process.exit would hang while the data plane waits in the kernel; abort does not. */
function fatal(error: unknown): never {
  logger.fatal(error instanceof Error ? error : new Error(String(error)), 'fatal');
  log.flush();
  process.abort();
}

const load = () => loadConfig(configFile(options), tablesOf(options), clock);
const checks = options.check !== undefined;
const file = checks ? checkedFile(options) : configFile(options);

async function configured() {
  try {
    return await (checks ? loadConfig(file, tablesOf(options), clock, checkedMachine()) : load());
  } catch (error) {
    const isSilent = error instanceof SilentDirectory;
    if (
      !isSilent &&
      !(error instanceof ConfigError) &&
      !(error instanceof Error && 'code' in error)
    )
      throw error;
    console.error(prefixed(`dmabrokerd: ${error.message}`, ERROR));
    if (!isSilent) HandedSockets.sort(inherited.fds).sockets.turnAway();
    // Whose fault it is decides whether it is tried again (RestartPreventExitStatus=).
    process.exit(isSilent ? 1 : EXIT_CONFIG);
  }
}

const stateDir = options.stateDir === undefined ? null : resolve(options.stateDir);
const loaded = await configured();
const { config } = loaded;
if (checks) {
  const what = file ?? `${options.optionalConfig} is not there`;
  console.log(`${what}: the configuration is good`);
  process.exit();
}
const log = new Log(new Writer(STDERR), config.log.level, prefixed);
const { logger } = log;
process.on('exit', () => log.flush());
// Node's own way would wait for the reader of standard error.
process.removeAllListeners('warning');
process.on('warning', (warning) => logger.warn(warning));
for (const problem of inherited.problems) logger.warn(problem);
const manager = serviceManager((what, reason) =>
  logger.warn({ reason }, `the service manager (NOTIFY_SOCKET) cannot be told ${what}`),
);

async function probe(): Promise<void> {
  const allocator = await Allocator.start(threads, config.device.select, {
    log: () => {},
    happened: () => {},
    acted: () => {},
    fatal,
  });
  const { device, sources } = allocator.inventory;
  const shown = sources.map((source) =>
    sourceView(source, source.region === undefined ? null : regionMemory(source.region)),
  );
  const found = { device: device && deviceView(device), sources: shown };
  console.log(JSON.stringify(found, null, 2));
  await allocator.close();
}

/** Names that no file has are asked for in between, so that nothing else waits for them. */
async function loadAgain(daemon: Daemon): Promise<Loaded> {
  const names = new NamesLater(daemon.resolver);
  const loadNow = () =>
    loadConfig(configFile(options), tablesOf(options), clock, { ...thisMachine(), names });
  try {
    const loaded = await loadNow();
    if (!names.missing) return loaded;
  } catch (error) {
    if (!names.missing) throw error;
  }
  await names.learn();
  return loadNow();
}

/** Signals that came while an earlier one was answered are one more. */
const reloads = { running: false, again: false };

/** SIGHUP. The service manager is told the end of it, whatever becomes of it. */
async function reload(daemon: Daemon): Promise<void> {
  reloads.again = reloads.running;
  if (reloads.running) return;
  reloads.running = true;
  do {
    reloads.again = false;
    manager.reloading();
    const refused = await readAgain(daemon);
    manager.ready(refused === null ? daemon.serves : `the configuration was not taken: ${refused}`);
  } while (reloads.again);
  reloads.running = false;
}

/** A file that is wrong changes nothing; the answer says why, or null. */
async function readAgain(daemon: Daemon): Promise<string | null> {
  let again: Loaded;
  try {
    again = await loadAgain(daemon);
  } catch (error) {
    const reason = messageOf(error);
    logger.error({ reason }, `the configuration was not taken, nothing has changed: ${reason}`);
    daemon.settings.refused(reason);
    return reason;
  }
  await daemon.reload(again);
  const named = again.file.path === null ? ': no file is named, by --config' : '';
  logger.info(`the configuration was read again${named}`);
  const { pending } = daemon.settings;
  if (pending.length > 0) {
    logger.warn({ pending }, `it takes a restart to change ${pending.join(', ')}`);
  }
  return null;
}

async function run(): Promise<void> {
  const { Daemon } = await import('./daemon.js');
  let daemon: Daemon | null = null;
  let stopping = false;
  const stop = () => daemon?.stop().catch(fatal);
  // From the start: a daemon that is still starting has socket files to remove, too.
  onSignals({
    stop: (signal) => {
      // A second signal ends it whatever it is waiting for.
      if (stopping) process.abort();
      stopping = true;
      logger.info({ signal }, 'stopping');
      stop();
    },
    reload: () => {
      if (daemon === null || stopping) return;
      reload(daemon).catch(fatal);
    },
    ignored: (signal) => logger.info({ signal }, 'the signal has no meaning here'),
  });
  const { path } = loaded.file;
  logger.info(
    { configuration: path },
    path === null ? 'no configuration file is named' : `configuration: ${path}`,
  );
  const step = (name: string) => logger.debug(`start: ${name}`);
  daemon = await Daemon.start({
    ...{ threads, loaded, stateDir, log, clock, fatal, step, manager },
    inherited: inherited.fds,
  });
  closeDebugger();
  setTimeout(settle, STARTED_MS).unref();
  if (stopping) stop();
}

/** What the start has left behind is given back. */
function settle(): void {
  collectHeap();
  keepYoung();
  giveBackFree();
}

process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

try {
  await (options.probe ? probe() : run());
} catch (error) {
  // Everything that was started was ended again.
  logger.fatal(messageOf(error));
  // As above: what another start would not mend is not tried again.
  process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1;
}
