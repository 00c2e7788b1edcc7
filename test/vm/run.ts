// Why: `npm run vm -- <command>`: the guest for people and scripts. It turns a command line into
// a call of runOn and that call's result into an exit status.
import { putBeside } from './beside.js';
import { furnished, shell, testFile } from './furnished.js';
import { type Preparation, prepareGuest, runOn, type SessionOptions } from './vm.js';

const USAGE = `Usage: npm run vm -- [options] <command> [arguments]

Runs a command in a Debian 13 guest (lavapipe with real dma_bufs), in the checkout: User-Mode Linux
where that starts, else QEMU.
A single argument is a shell command line: npm run vm -- 'ls | wc -l'
Without a command it only prepares the guest: builds it if it is missing.

Options, before the command:
  --for TEST          a guest with what README's table takes for granted: the packages that
                      this test has (gbm/compositors), our programs, and a daemon that runs.
                      Without a command: a shell
  --shell             a shell in place of a command; it reads standard input
  --qemu              in QEMU, with Debian's own kernel
  --display           in QEMU, with a display: \`photograph\` prints what is on it, as PPM,
                      \`photograph xr24\` as raw pixels
  --as-built          in User-Mode Linux only if that has been built already
  --systemd           boot systemd and run the command as a service of it
  --env NAME=VALUE    set a variable; may be repeated. Passed on as they are: CI,
                      WAYLAND_DEBUG, VK_LOADER_DEBUG, DMABROKER_*
  --timeout SECONDS   end the guest after that long, status 124 (default: 600)
  --memory MEGABYTES  of the guest (default: 4096)
  --cma MEGABYTES     of that, contiguous: with DMA heaps of it, in User-Mode Linux (default: none)
  --stdin             pass standard input on (default: /dev/null)
  --help              this text

Environment: DMABROKER_CACHE  where the guest is kept
             DMABROKER_VM     uml, qemu, kvm or tcg, without a trial

Exit status: the command's; 124 timed out, 125 the guest failed, 2 wrong usage.
`;

class UsageError extends Error {}

interface CommandLine {
  options: SessionOptions & Preparation;
  argv: string[];
  help: boolean;
  /** A test file of the guest's, whose packages there are to be. */
  file: string | null;
  wantsShell: boolean;
}

function parse(args: readonly string[]): CommandLine {
  const rest = [...args];
  const env: Record<string, string> = passedOn();
  const options: SessionOptions & Preparation = {
    env,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  options.signal = stop.signal;
  let file: string | null = null;
  let wantsShell = false;
  const valueFor = (option: string): string => {
    const value = rest.shift();
    if (value === undefined) throw new UsageError(`${option} takes a value`);
    return value;
  };
  const numberFor = (option: string): number => {
    const value = Number(valueFor(option));
    if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${option} takes a number`);
    return value;
  };
  while (rest[0]?.startsWith('-')) {
    const option = rest.shift();
    if (option === '--') break;
    if (option === '--help' || option === '-h')
      return { options, argv: [], help: true, file, wantsShell };
    if (option === '--systemd') options.systemd = true;
    else if (option === '--qemu') options.choice = 'qemu';
    else if (option === '--display') {
      options.display = true;
      options.choice ??= 'qemu';
    } else if (option === '--as-built') options.build = false;
    else if (option === '--stdin') options.stdin = process.stdin;
    else if (option === '--shell') wantsShell = true;
    else if (option === '--for') file = testFile(valueFor(option));
    else if (option === '--timeout') options.timeoutSeconds = numberFor(option);
    else if (option === '--memory') options.memoryMegabytes = Math.round(numberFor(option));
    else if (option === '--cma') options.contiguousMegabytes = Math.round(numberFor(option));
    else if (option === '--env') {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(valueFor(option)) ?? [];
      if (name === undefined || value === undefined) throw new UsageError('--env NAME=VALUE');
      env[name] = value;
    } else throw new UsageError(`unknown option ${option}`);
  }
  if (wantsShell && rest.length > 0) throw new UsageError(`--shell takes no command: ${rest[0]}`);
  wantsShell ||= file !== null && rest.length === 0;
  return { options, argv: rest, help: false, file, wantsShell };
}

/** Variables of the host that mean the same in the guest. */
function passedOn(): Record<string, string> {
  const host = ['DMABROKER_CACHE', 'DMABROKER_VM'];
  const named = /^(CI|WAYLAND_DEBUG|VK_LOADER_DEBUG|DMABROKER_\w+)$/;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && named.test(name) && !host.includes(name)) env[name] = value;
  }
  return env;
}

async function main(): Promise<number> {
  const { options, argv, help, file, wantsShell } = parse(process.argv.slice(2));
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const host = await prepareGuest(options);
  if (argv.length === 0 && !wantsShell) {
    process.stderr.write(`vm: ready in ${host.image.folder}, runs with ${host.kind}\n`);
    return 0;
  }
  const beside = file === null ? null : await putBeside(host, file);
  try {
    const asked = wantsShell ? shell(options) : argv;
    const command = beside === null ? asked : furnished(beside, asked);
    const { status, timedOut, console } = await runOn(host, command, options);
    if (timedOut) {
      const tail = console.split('\n').slice(-20).join('\n');
      process.stderr.write(`vm: timed out; the end of the guest's console:\n${tail}\n`);
    }
    return status;
  } finally {
    beside?.remove();
  }
}

const stop = new AbortController();
let stoppedBy = 0;
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    stoppedBy = 128 + number;
    stop.abort(new Error(signal));
    // A build of the image is not a session: leaving ends it with this process.
    setTimeout(() => process.exit(stoppedBy), 2000).unref();
  });
}
main().then(leave, (error: unknown) => {
  if (stoppedBy !== 0) return leave(stoppedBy);
  if (isBrokenPipe(error)) return leave(141); // as a program that SIGPIPE ends: `... | head`
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`vm: ${text}\n`);
  if (error instanceof UsageError) process.stderr.write(USAGE);
  leave(error instanceof UsageError || error instanceof RangeError ? 2 : 125);
});

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function leave(status: number): void {
  process.exitCode = status;
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.destroy(); // an open standard input would keep the process
}
