/**
 * dmabrokerctl: runs one command against the daemon's REST API and says how it went by its exit
 * code (failure.ts). Importing this module runs the program.
 */
import { CommanderError } from 'commander';
import { makeProgram } from './command.js';
import { allocCommand } from './commands/alloc.js';
import { clientsCommand } from './commands/clients.js';
import { deviceCommand } from './commands/device.js';
import { eventsCommand } from './commands/events.js';
import { extendCommand } from './commands/extend.js';
import { formatsCommand } from './commands/formats.js';
import { healthCommand } from './commands/health.js';
import { holdersCommand } from './commands/holders.js';
import { importCommand } from './commands/import.js';
import { listCommand } from './commands/list.js';
import { previewCommand } from './commands/preview.js';
import { quotaCommand } from './commands/quota.js';
import { recallCommand } from './commands/recall.js';
import { recvCommand } from './commands/recv.js';
import { reissueCommand } from './commands/reissue.js';
import { releaseCommand } from './commands/release.js';
import { renameCommand } from './commands/rename.js';
import { showCommand } from './commands/show.js';
import { revokeCommand, shareCommand, tokensCommand } from './commands/tokens.js';
import { EXIT_OK, EXIT_USAGE, Failure, Refused } from './failure.js';
import { printable } from './output.js';

const commands = [
  listCommand,
  showCommand,
  holdersCommand,
  allocCommand,
  importCommand,
  previewCommand,
  recvCommand,
  releaseCommand,
  renameCommand,
  reissueCommand,
  extendCommand,
  recallCommand,
  shareCommand,
  tokensCommand,
  revokeCommand,
  deviceCommand,
  formatsCommand,
  clientsCommand,
  eventsCommand,
  quotaCommand,
  healthCommand,
];

// `dmabrokerctl list | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const program = makeProgram().exitOverride();
for (const make of commands) make(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Tells what went wrong; returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // It has printed its help or its complaint already.
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  if (!(error instanceof Failure)) throw error;
  if (error instanceof Refused && program.opts().json === true) {
    process.stderr.write(`${JSON.stringify(error.problem)}\n`);
    return error.exitCode;
  }
  const lines = error.message.split('\n').map(printable);
  process.stderr.write(`dmabrokerctl: ${lines.join('\n')}\n`);
  if (error instanceof Refused && error.problem.refusal?.possible !== undefined) {
    const possible = JSON.stringify(error.problem.refusal.possible);
    process.stderr.write(`possible: ${printable(possible)}\n`);
  }
  return error.exitCode;
}
