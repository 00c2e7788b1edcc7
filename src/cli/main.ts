/**
 * dmabrokerctl: runs one command against the daemon's REST API and says how it went by its exit
 * code (failure.ts). Importing this module runs the program.
 */
import { CommanderError } from 'commander';
import { EXIT_OK, EXIT_USAGE, Failure, type FailureReport, Refused } from './failure.js';
import { printable } from './output.js';
import { dmabrokerctl } from './program.js';

// `dmabrokerctl list | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// A complaint comes before all options are read: whether it is to be JSON is asked of the arguments.
const json = process.argv.includes('--json');
const program = json ? dmabrokerctl(() => {}) : dmabrokerctl();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Tells what went wrong; returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_OK;
    // In text, it has printed its help or its complaint already.
    if (json) printFailure({ code: 'usage', detail: complaint(error) });
    return EXIT_USAGE;
  }
  if (!(error instanceof Failure)) throw error;
  if (json) {
    printFailure(error.report);
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

function printFailure(failure: FailureReport): void {
  process.stderr.write(`${JSON.stringify(failure)}\n`);
}

function complaint({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'no command was given' : message.replace(/^error: /, '');
}
