/**
 * Writes docs/man/dmabrokerctl.1, dmabroker-unixfd.1 and dmabrokerd.8 (man(7)) from the definitions of the command lines. `--check`
 * writes nothing and fails where a committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-man.js [--check]`.
 */
import {
  type CommandDefinition,
  definitionOf,
  type OptionDefinition,
  withAllBelow,
} from '../src/cli/definition.js';
import { EXIT_CODES } from '../src/cli/failure.js';
import { dmabrokerctl } from '../src/cli/program.js';
import { packageVersion } from '../src/package-root.js';
import { dmabrokerd } from '../src/server/config/command-line.js';
import { dmabrokerUnixfd, EXIT_CODES as UNIXFD_EXITS } from '../src/unixfd/program.js';
import { generated } from './generated.js';
import { argument, escaped, heading, item, lowered, sentence } from './roff.js';

const VARIABLES = [
  ['DMABROKER_REST_SOCKET', "the daemon's REST socket, where no option names one"],
  ['DMABROKER_URL', 'its address, which goes before DMABROKER_REST_SOCKET'],
  ['DMABROKER_TOKEN_FILE', 'the file with the token for the address'],
  ['DMABROKER_SOCKET', "the daemon's client socket, for recv and import"],
  ['NO_COLOR', 'if set, tables have no bold heads'],
] as const;

const program = definitionOf(dmabrokerctl());
const commands = withAllBelow(program).filter((each) => each.commands.length === 0);

const text = `${heading('dmabrokerctl', 1, 'User Commands', 'src/cli by scripts/generate-man.ts')}.SH NAME
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

generated('docs/man/dmabrokerctl.1', text, 'src/cli');

const SIGNALS = [
  ['SIGTERM, SIGINT', 'releases everything and ends; a second one ends it at once'],
  ['SIGHUP', 'reads the configuration again; a file that is wrong changes nothing'],
] as const;
const EXITS = [
  ['0', 'it was told to end'],
  ['1', 'it could not start; nothing of it is left'],
  ['2', 'the command line or the configuration is wrong'],
] as const;

const FILES = [
  [
    '/etc/dmabroker/dmabroker.toml',
    "the configuration of the machine's daemon, which its unit names",
  ],
  ['~/.config/dmabroker/dmabroker.toml', "of a user's (systemctl --user), where there is one"],
  [
    '/run/dmabroker, $XDG_RUNTIME_DIR/dmabroker',
    'the sockets: client.sock, rest.sock (dmabrokerd.socket, dmabrokerd-rest.socket)',
  ],
  ['/run/dmabroker-holders.sock', 'who has the memory is asked here (dmabroker-holders.socket)'],
  [
    '/run/dmabroker-keeper.sock',
    'what outlives the daemon is kept here, beyond what systemd keeps (dmabroker-keeper.socket)',
  ],
  ['/var/lib/dmabroker', 'what is kept over a restart'],
] as const;

// Where a socket is by default is not to depend on who runs this.
const daemon = definitionOf(dmabrokerd(packageVersion(), (name) => `/run/dmabroker/${name}`));
const from = 'src/server/config/command-line.ts by scripts/generate-man.ts';
generated(
  'docs/man/dmabrokerd.8',
  `${heading('dmabrokerd', 8, 'System Administration', from)}.SH NAME
dmabrokerd \\- ${escaped(lowered(daemon.description.replace(/\.$/, '')))}
.SH SYNOPSIS
.B dmabrokerd
.RI [ options ]
.SH DESCRIPTION
.B dmabrokerd
owns the machine's Vulkan devices. It serves clients and a REST API on two Unix sockets, and logs one JSON
object a line on standard error. Options go before the configuration file,
.BR dmabroker.toml (5).
A daemon that is not root's has its sockets in $XDG_RUNTIME_DIR/dmabroker.
.SH OPTIONS
${daemon.options.map(option).join('')}.SH SIGNALS
${SIGNALS.map(([name, meaning]) => item(`.B ${name}`, meaning)).join('')}.SH EXIT STATUS
${EXITS.map(([code, meaning]) => item(`.B ${code}`, meaning)).join('')}.SH FILES
${FILES.map(([name, meaning]) => item(`.I ${escaped(name)}`, meaning)).join('')}.SH SERVICE MANAGER
The daemon takes over sockets that are bound where the configuration has them (sd_listen_fds(3)), never removes their
files, and tells the manager (sd_notify(3)) that it is ready, reloads, stops and, where WATCHDOG_USEC is set, that all of its
threads answer.
.SH SEE ALSO
.BR dmabroker.toml (5),
.BR dmabrokerctl (1)
`,
  'src/server/config/command-line.ts',
);

const unixfd = definitionOf(dmabrokerUnixfd(packageVersion()));
const made = 'src/unixfd/program.ts by scripts/generate-man.ts';
generated(
  'docs/man/dmabroker-unixfd.1',
  `${heading('dmabroker-unixfd', 1, 'User Commands', made)}.SH NAME
dmabroker\\-unixfd \\- ${escaped(lowered(unixfd.description))}
.SH SYNOPSIS
.B dmabroker\\-unixfd
.I command
.RI [ options ]
.SH DESCRIPTION
.B dmabroker\\-unixfd
is a client of
.BR dmabrokerd (8)
that speaks the protocol of GStreamer's elements unixfdsrc and unixfdsink, of which nothing is changed: pipelines have their
frames in buffers of the broker's, where lists and quotas know them.
.SH COMMANDS
${withAllBelow(unixfd)
  .filter((each) => each.commands.length === 0)
  .map(section)
  .join('')}.SH SIGNALS
${item('.B SIGTERM, SIGINT', 'who is served hears the end of the stream, and it ends; a second one ends it at once')}.SH EXIT STATUS
${UNIXFD_EXITS.map(([code, meaning]) => item(`.B ${code}`, meaning)).join('')}.SH ENVIRONMENT
${item('.B DMABROKER_SOCKET', "the daemon's client socket")}.SH EXAMPLES
.nf
dmabroker\\-unixfd serve \\-\\-path frames.sock \\-\\-input frames.raw \\-\\-wait 10 \\e
  \\-\\-caps video/x\\-raw,format=NV12,width=640,height=480,framerate=30/1
gst\\-launch\\-1.0 unixfdsrc socket\\-path=frames.sock ! videoconvert ! autovideosink
mkfifo released
dmabroker\\-unixfd take \\-\\-tokens \\-\\-path there.sock < released |
  dmabroker\\-unixfd serve \\-\\-tokens \\-\\-path here.sock > released
.fi
.SH SEE ALSO
.BR dmabrokerctl (1),
.BR gst\\-launch\\-1.0 (1)
`,
  'src/unixfd/program.ts',
);

function section({ path, description, options, arguments: expected }: CommandDefinition): string {
  const shown = expected.map(({ name, required, variadic }) => {
    const often = variadic ? `${name}...` : name;
    return required ? often : `[${often}]`;
  });
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
