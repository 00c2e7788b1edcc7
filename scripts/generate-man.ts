/**
 * Writes docs/man/dmabrokerctl.1 (man(7)) from the definition of the command line. `--check` writes
 * nothing and fails where the committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-man.js [--check]`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CommandDefinition,
  definitionOf,
  type OptionDefinition,
  withAllBelow,
} from '../src/cli/definition.js';
import { EXIT_CODES } from '../src/cli/failure.js';
import { dmabrokerctl } from '../src/cli/program.js';
import { packageVersion } from '../src/package-root.js';

const target = join(process.cwd(), 'docs/man/dmabrokerctl.1');

const VARIABLES = [
  ['DMABROKER_REST_SOCKET', "the daemon's REST socket, where no option names one"],
  ['DMABROKER_URL', 'its address, which goes before DMABROKER_REST_SOCKET'],
  ['DMABROKER_TOKEN_FILE', 'the file with the token for the address'],
  ['DMABROKER_SOCKET', "the daemon's client socket, for recv and import"],
  ['NO_COLOR', 'if set, tables have no bold heads'],
] as const;

const program = definitionOf(dmabrokerctl());
const commands = withAllBelow(program).filter((each) => each.commands.length === 0);

const text = `.\\" Generated from src/cli by scripts/generate-man.ts: do not edit.
.TH DMABROKERCTL 1 "" ${argument(`dmabroker ${packageVersion()}`)} "User Commands"
.SH NAME
dmabrokerctl \\- ${escaped(lowered(program.description))}
.SH SYNOPSIS
.B dmabrokerctl
.RI [ options ]
.I command
.RI [ arguments ]
.SH DESCRIPTION
.B dmabrokerctl
asks
.BR dmabrokerd ,
which owns the buffers, over its REST API: on a Unix socket, or at a URL with a token. File
descriptors do not travel over REST; the commands that deal in them (recv, import) are clients of the
daemon's other socket.
.SH OPTIONS
These stand before or after the command.
${program.options.map(option).join('')}.SH COMMANDS
${commands.map(section).join('')}.SH EXIT STATUS
${EXIT_CODES.map(([code, meaning]) => item(`.B ${code}`, meaning)).join('')}.PP
With \\-\\-json a failure is one JSON document on standard error: the daemon's problem document
(RFC 9457), or
.I code
(usage or unreachable) and
.IR detail .
.SH ENVIRONMENT
${VARIABLES.map(([name, meaning]) => item(`.B ${name}`, meaning)).join('')}.SH EXAMPLES
.nf
dmabrokerctl alloc \\-\\-size 1M
dmabrokerctl list \\-\\-sort \\-size \\-\\-json
dmabrokerctl \\-\\-url http://127.0.0.1:7070 \\-\\-token\\-file token top
source <(dmabrokerctl completion bash)
.fi
`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write(
      'docs/man/dmabrokerctl.1 is not what src/cli says: run scripts/generate-man.ts\n',
    );
    process.exitCode = 1;
  }
} else {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}

function section({ path, description, options, arguments: expected }: CommandDefinition): string {
  const shown = expected.map(({ name, required }) => (required ? name : `[${name}]`));
  const words = [...path, ...shown].join(' ');
  const explained = expected
    .filter((each) => each.description !== '')
    .map((each) => item(`.I ${escaped(each.name)}`, each.description));
  return `.SS ${argument(words)}
${escaped(sentence(description))}
${[...explained, ...options.map(option)].join('')}`;
}

function option({ flags, value, description, default: usual }: OptionDefinition): string {
  const names = escaped(flags.join(', '));
  const tag =
    value === null ? `.B ${names}` : `.BI ${argument(`${flags.join(', ')} `)} ${argument(value)}`;
  return item(tag, usual === null ? description : `${description} (default: ${usual})`);
}

/** A paragraph with a tag, which is a line of roff. */
function item(tag: string, body: string): string {
  return `.TP\n${tag}\n${escaped(body)}\n`;
}

function lowered(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** An argument of a macro. */
function argument(words: string): string {
  return `"${escaped(words).replaceAll('"', '\\(dq')}"`;
}

/** Text as roff: a line must not begin as a request does; a hyphen of an option is no dash. */
function escaped(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&');
}
