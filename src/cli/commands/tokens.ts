/**
 * `dmabrokerctl share`, `tokens`, `revoke`: a buffer's tokens. `token new`: one for REST over TCP, for which no
 * daemon is asked.
 */
import { type Command, Option } from 'commander';
import type { Token, TokenInfo } from '../../rest/contract.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { Usage } from '../failure.js';
import { listing } from '../listing.js';
import { number } from '../numbers.js';
import { type TokenTerms, tokenOptions } from '../options.js';
import { printFields, printJson, printLines, say } from '../output.js';
import { age } from '../printable.js';
import type { Columns } from '../table.js';

const COLUMNS: Columns<TokenInfo> = [
  ['ID', (token) => token.id, 'id'],
  ['USES LEFT', (token) => token.uses_left],
  ['USER', ({ uid }, names) => (uid === null ? null : names.user(uid))],
  ['MAY RENEW', (token) => token.may_renew],
  ['EXPIRES', (token) => token.expires_at],
  ['AGE', (token) => age(token.created_at)],
];

const pathOf = (id: string, below = '') => bufferPath(id, `/tokens${below}`);

export const tokenCommands: MakeCommand = (program) => {
  const share = program
    .command('share')
    .description('make a token with which processes get a buffer')
    .argument('<id>', "the buffer's id");
  for (const option of tokenOptions()) share.addOption(option);
  share.option('--renew', "who redeems it may renew the buffer's lease").action(
    tell(
      (rest, id: string, { renew, ...terms }: TokenTerms & { renew?: boolean }) =>
        rest.post<Token>(pathOf(id), { ...terms, may_renew: renew }),
      (token) =>
        printFields([
          ['id', token.id],
          ['token', token.token],
          ['uses', token.uses],
          ['expires', token.expires_at ?? 'with the buffer'],
        ]),
    ),
  );
  listing(
    program
      .command('tokens')
      .description("a buffer's tokens that can still be redeemed, without their secrets")
      .argument('<id>', "the buffer's id"),
    { columns: COLUMNS, none: 'no tokens' },
    (rest, id: string) => rest.get<TokenInfo[]>(pathOf(id)),
  );
  program
    .command('revoke')
    .description('end a token; processes that have redeemed it keep the memory')
    .argument('<id>', "the buffer's id")
    .argument('<token-id>', "the token's id, as `tokens` shows it")
    .action(
      tell(
        (rest, id: string, token: string) =>
          rest.delete(pathOf(id, `/${encodeURIComponent(token)}`)).then(() => ({ revoked: token })),
        ({ revoked }) => say(`revoked ${revoked}`),
      ),
    );
  newCommand(program);
};

interface New {
  readonly name: string;
  readonly role: string;
  readonly days: number;
  readonly preview?: boolean;
}

/** As many as nobody guesses. */
const SECRET_BYTES = 32;
const DAY_MS = 86_400_000;
const MAX_DAYS = 3650;

const newCommand: MakeCommand = (program) => {
  program
    .command('token')
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
    .action(async (options: New, command: Command) => {
      // Loaded here alone: it costs a thirtieth of a command's time.
      const { createHash, randomBytes } = await import('node:crypto');
      const { name, role, days, preview = false } = options;
      if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
        throw new Usage('--name has 1 to 64 letters, digits, dots, dashes and underscores');
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
      printLines([token, '', ...entry]);
    });
};
