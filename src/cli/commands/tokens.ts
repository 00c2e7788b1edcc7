/** `dmabrokerctl share`, `tokens` and `revoke`: a buffer's tokens. */
import type { Command } from 'commander';
import type { Token, TokenInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { number } from '../numbers.js';
import { age, orDash, printFields, printJson, printTable } from '../output.js';

interface Options {
  readonly uses?: number;
  readonly uid?: number;
  readonly seconds?: number;
  readonly renew?: boolean;
}

const HEAD = ['ID', 'USES LEFT', 'USER', 'MAY RENEW', 'EXPIRES', 'AGE'];

const pathOf = (id: string) => `/v1/buffers/${encodeURIComponent(id)}/tokens`;

export const shareCommand: MakeCommand = (program) => {
  program
    .command('share')
    .description('make a token with which processes get a buffer')
    .argument('<id>', "the buffer's id")
    .option('--uses <n>', 'how often the token can be redeemed', number)
    .option('--uid <n>', 'the only user who may redeem the token', number)
    .option('--seconds <n>', 'how long the token is good for', number)
    .option('--renew', "who redeems it may renew the buffer's lease")
    .action(async (id: string, { renew, ...terms }: Options, command: Command) => {
      const { rest, json } = common(command);
      const token = await rest.post<Token>(pathOf(id), { ...terms, may_renew: renew });
      if (json) return printJson(token);
      printFields([
        ['id', token.id],
        ['token', token.token],
        ['uses', String(token.uses)],
        ['expires', token.expires_at ?? 'with the buffer'],
      ]);
    });
};

export const tokensCommand: MakeCommand = (program) => {
  program
    .command('tokens')
    .description("a buffer's tokens that can still be redeemed, without their secrets")
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const tokens = await rest.get<TokenInfo[]>(pathOf(id));
      if (json) return printJson(tokens);
      await printTable(HEAD, tokens.map(row), 'no tokens');
    });
};

export const revokeCommand: MakeCommand = (program) => {
  program
    .command('revoke')
    .description('end a token; processes that have redeemed it keep the memory')
    .argument('<id>', "the buffer's id")
    .argument('<token-id>', "the token's id, as `tokens` shows it")
    .action(async (id: string, tokenId: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      await rest.delete(`${pathOf(id)}/${encodeURIComponent(tokenId)}`);
      if (json) printJson({ revoked: tokenId });
      else process.stdout.write(`revoked ${tokenId}\n`);
    });
};

function row(token: TokenInfo): string[] {
  return [
    token.id,
    String(token.uses_left),
    orDash(token.uid),
    token.may_renew ? 'yes' : 'no',
    orDash(token.expires_at),
    age(token.created_at),
  ];
}
