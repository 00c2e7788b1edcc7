/**
 * dmabrokerctl: runs one command against the daemon's REST API and says how it went by its exit
 * code (failure.ts). Importing this module runs the program.
 */
import { CommanderError } from 'commander';
import { EXIT_OK, EXIT_USAGE, Failure, Refused } from './failure.js';
import { printable } from './output.js';
import { dmabrokerctl } from './program.js';

// `dmabrokerctl list | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const program = dmabrokerctl();

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
