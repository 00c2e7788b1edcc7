/** `dmabrokerctl token new`: a token for REST over TCP. It asks no daemon. */
import { createHash, randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { MakeCommand } from '../command.js';
import { Usage } from '../failure.js';
import { number } from '../numbers.js';
import { printJson } from '../output.js';

interface Options {
  readonly name: string;
  readonly role: string;
  readonly days: number;
  readonly preview?: boolean;
}

/** As many as nobody guesses. */
const SECRET_BYTES = 32;
const DAY_MS = 86_400_000;
const MAX_DAYS = 3650;

export const tokenCommand: MakeCommand = (program) => {
  program
    .command('token')
    .helpCommand(false)
    .description('tokens for the REST API over TCP')
    .command('new')
    .description("print a token and its entry for the daemon's file of tokens")
    .requiredOption('--name <name>', 'what the log calls it')
    .addOption(
      new Option('--role <role>', 'what it may do')
        .choices(['reader', 'operator', 'admin'])
        .makeOptionMandatory(),
    )
    .option('--days <n>', 'how long it is good for', number, 90)
    .option('--preview', 'it may see the content of buffers')
    .action((options: Options, command: Command) => {
      const { name, role, days, preview = false } = options;
      if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
        throw new Usage('a name has 1 to 64 letters, digits, dots, dashes and underscores');
      }
      if (days < 1 || days > MAX_DAYS) throw new Usage(`--days is 1 to ${MAX_DAYS}`);
      const token = `dmabroker_${randomBytes(SECRET_BYTES).toString('base64url')}`;
      const sha256 = createHash('sha256').update(token).digest('hex');
      const expires = new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      if (json) return printJson({ token, entry: { name, sha256, role, preview, expires } });
      const entry = [
        '[[tokens]]',
        `name = "${name}"`,
        `sha256 = "${sha256}"`,
        `role = "${role}"`,
        `preview = ${preview}`,
        `expires = ${expires}`,
      ];
      process.stdout.write(`${token}\n\n${entry.join('\n')}\n`);
    });
};
