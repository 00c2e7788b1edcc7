/**
 * dmabrokerctl: runs one command against the daemon's REST API and says how it went by its exit
 * code (failure.ts). Importing this module runs the program.
 */
import { CommanderError } from 'commander';
import { EXIT_OK, EXIT_USAGE, Failure, type FailureReport, Refused } from './failure.js';
import { printable } from './printable.js';
import { dmabrokerctl } from './program.js';
import { hangUp } from './screen.js';
import { targetOf } from './target.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `dmabrokerctl list | head` is no error; and nobody reads what would follow.
  if (error.code === 'EPIPE') process.exit(EXIT_OK);
  // The terminal is gone.
  if (error.code === 'EIO') hangUp();
  process.stderr.write(`dmabrokerctl: standard output: ${error.message}\n`);
  process.exit(EXIT_USAGE);
});
// Nobody can be told.
process.stderr.on('error', () => {});

// A complaint comes before all options are read: whether it is to be JSON is asked of the arguments.
const json = process.argv.includes('--json');
const program = json ? dmabrokerctl(() => {}) : dmabrokerctl();

/** Over a URL it is the token that has a role. */
const isLocal = () => 'socketPath' in targetOf(program.opts(), process.env).place;

/** As the policy has it where nothing else is configured (docs/policy.md). */
const ADMINISTRATORS =
  'Members of the group dmabroker-admin may, and root, unless the policy says otherwise.';

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
  if (error instanceof Refused) {
    const { constraint, possible, nearest } = error.problem.refusal ?? {};
    const text = possibleText(possible, error.message);
    if (text !== '') process.stderr.write(`possible: ${printable(text)}\n`);
    // Null: looked for, and nothing found.
    if (nearest) process.stderr.write(`nearest: ${printable(JSON.stringify(nearest))}\n`);
    if (error.problem.code === 'permission_denied' && constraint === 'role' && isLocal()) {
      process.stderr.write(`${ADMINISTRATORS}\n`);
    }
    // The daemon's log has it, too.
    const { request_id } = error.problem;
    if (request_id) process.stderr.write(`request: ${printable(request_id)}\n`);
  }
  return error.exitCode;
}

/** What would have been possible, in words; nothing where the sentence has told it already. */
function possibleText(possible: unknown, sentence: string): string {
  const all = typeof possible === 'object' && possible !== null ? possible : { '': possible };
  // A permission that is not needed is no news.
  const told = Object.entries(all).filter(([, value]) => value !== undefined && value !== false);
  const text = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : `${value}`);
  if (told.every(([, value]) => sentence.includes(text(value)))) return '';
  const named = !Array.isArray(all);
  return told
    .map(([name, value]) => (named ? `${name} ` : '').trimStart() + text(value))
    .join(', ');
}

function printFailure(failure: FailureReport): void {
  process.stderr.write(`${JSON.stringify(failure)}\n`);
}

function complaint({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'no command was given' : message.replace(/^error: /, '');
}
