/** The command line of dmabrokerd: what it may say, and what of that stands before the configuration file. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../memory/log-level.js';
import { CLIENT_SOCKET, daemonSocket, REST_SOCKET } from '../../protocol/paths.js';
import type { Tables } from './file.js';

export interface Options {
  config?: string;
  optionalConfig?: string;
  check?: string | true;
  socket?: string;
  restSocket?: string;
  device?: string;
  logLevel?: LogLevel;
  poolBytes?: number;
  stateDir?: string;
  probe?: boolean;
}

/** The file of the system's daemon, which its unit names. */
const SYSTEM_CONFIG = '/etc/dmabroker/dmabroker.toml';

/** `socketOf`: where a socket is where nobody says it. */
export function dmabrokerd(
  version: string,
  socketOf = (name: string) => daemonSocket(name),
): Command {
  return new Command('dmabrokerd')
    .description(
      'Allocates Vulkan memory and hands it to other processes as dma_buf file descriptors.',
    )
    .version(version)
    .option('-c, --config <file>', 'configuration file (TOML), which must be there')
    .option('--optional-config <file>', 'the same, of which nothing is read where it is not there')
    .option(
      '--check [file]',
      `check a configuration file and exit: 0 if it is good (default: that of --config, else ${SYSTEM_CONFIG})`,
    )
    .option('--socket <path>', `the clients' socket (default: ${socketOf(CLIENT_SOCKET)})`)
    .option('--rest-socket <path>', `the REST API's socket (default: ${socketOf(REST_SOCKET)})`)
    .option(
      '--device <which>',
      'Vulkan device: UUID, DRM node or part of its name (default: by rule)',
    )
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(LOG_LEVELS))
    .option('--pool-bytes <bytes>', 'memory of the machine for spares; 0: none at all', poolBytes)
    .option(
      '--state-dir <folder>',
      'what is kept over a restart (default: as systemd says, or by user)',
    )
    .option('--probe', 'print what memory can be had here, as JSON, and exit');
}

function poolBytes(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of bytes.');
}

/** The configuration file to read now; null: none. */
export function configFile({ config, optionalConfig }: Options): string | null {
  if (config !== undefined) return config;
  return optionalConfig !== undefined && existsSync(optionalConfig) ? optionalConfig : null;
}

/** The one that `--check` is about; null: one that may be missing is. */
export function checkedFile({ check, ...options }: Options): string | null {
  if (typeof check === 'string') return check;
  return options.optionalConfig === undefined
    ? (options.config ?? SYSTEM_CONFIG)
    : configFile(options);
}

/** As the file would say it. A socket's path is relative to where the command was given. */
export function tablesOf({ socket, restSocket, device, logLevel, poolBytes }: Options): Tables {
  return {
    ...(socket !== undefined && { clients: { socket: resolve(socket) } }),
    ...(restSocket !== undefined && { rest: { socket: resolve(restSocket) } }),
    ...(device !== undefined && { device: { select: device } }),
    ...(logLevel !== undefined && { log: { level: logLevel } }),
    ...(poolBytes !== undefined && { pool: { bytes: poolBytes } }),
  };
}
