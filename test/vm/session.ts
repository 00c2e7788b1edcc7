// Why: one boot of the guest, from power-on to the command's exit status. It owns the host's half
// of the protocol (the guest's is guest/run-command.sh) and sees that the machine is gone afterwards.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { answerPhotographs, openPicture } from './camera.js';
import { commandScript } from './command.js';
import { cpuForGuest } from './cpus.js';
import { EndMark } from './end-mark.js';
import { endMachine, type Host, type Machine, spawnMachine } from './machine.js';
import { qemuCommand } from './qemu.js';
import { umlCommand } from './uml.js';

export interface SessionOptions {
  /** Variables for the command, beside the guest's own. */
  env?: Readonly<Record<string, string>>;
  /** From power-on; then the guest is ended and the status is 124. Default: 600. */
  timeoutSeconds?: number;
  /** Default: 4096. */
  memoryMegabytes?: number;
  /** Of its memory, contiguous: see MachineOptions. Default: 0. */
  contiguousMegabytes?: number;
  /** Boot systemd as process 1 and run the command as a service of it. Default: false. */
  systemd?: boolean;
  /** Of QEMU's; User-Mode Linux has one. Default: 2. Under TCG a second one costs a third more for the same work. */
  cpus?: number;
  /** QEMU's: a display, of which `photograph` in the guest has a photograph taken. Default: false. */
  display?: boolean;
  /** Where output goes while it comes (not ended). Without them it is in the result. */
  stdout?: Writable;
  stderr?: Writable;
  /** What the command reads. Default: /dev/null. */
  stdin?: Readable;
  /** Ends the guest; runInGuest then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface GuestResult {
  /** The command's exit status; 128 + n if signal n ended it, 124 after a timeout. */
  status: number;
  timedOut: boolean;
  /** Output that no stream was given for. */
  stdout: string;
  stderr: string;
  /** The tail of what the kernel and its machine printed. */
  console: string;
  /** Milliseconds from power-on until the command was handed over; undefined if never. */
  bootMilliseconds: number | undefined;
  /** The machine's process id. It has ended. */
  pid: number | undefined;
}

/** The guest ended without a status: it did not boot, it crashed, or it was powered off. */
export class GuestError extends Error {
  override name = 'GuestError';
  /** Whether the command had been handed over. */
  readonly booted: boolean;
  /** Whether the guest's kernel has failed, which no command can have it do. */
  readonly panicked: boolean;

  constructor(message: string, booted: boolean, panicked = false) {
    super(message);
    this.booted = booted;
    this.panicked = panicked;
  }
}

const CONSOLE_TAIL = 64 * 1024;
/** A guest that is not up by then hangs. Seconds, some ten times what it takes on a free machine. */
const BOOT_SECONDS = { plain: 90, systemd: 300 };
const TIMED_OUT = Symbol('timed out');

export async function runSession(
  host: Host,
  argv: readonly string[],
  options: SessionOptions,
): Promise<GuestResult> {
  const {
    timeoutSeconds = 600,
    memoryMegabytes = 4096,
    systemd = false,
    cpus = 2,
    contiguousMegabytes = 0,
    display = false,
    signal,
  } = options;
  const script = commandScript(argv, options.env ?? {});
  signal?.throwIfAborted();
  const mark = randomBytes(16).toString('hex');
  const started = performance.now();
  const asked = { memoryMegabytes, systemd, cpus, contiguousMegabytes, display };
  if (contiguousMegabytes > 0 && host.kind !== 'uml') {
    throw new RangeError("Contiguous memory takes User-Mode Linux: Debian's own kernel has none");
  }
  if (display && host.kind === 'uml') throw new RangeError('User-Mode Linux has no display');
  const picture = display ? openPicture() : undefined;
  const machine =
    host.kind === 'uml'
      ? spawnMachine(umlCommand(host, asked), { cpu: cpuForGuest() })
      : spawnMachine(qemuCommand(host, asked), { picture });
  if (machine.camera !== undefined) void answerPhotographs(machine.camera);
  const exited = once(machine.process, 'exit');
  const log = consoleTail(machine);
  const stdout = passOn(machine.stdout, mark, options.stdout);
  const stderr = passOn(machine.stderr, mark, options.stderr);
  let bootMilliseconds: number | undefined;

  const reported = controlLines(machine, () => {
    bootMilliseconds = Math.round(performance.now() - started);
    const hasStdin = options.stdin === undefined ? 0 : 1;
    machine.control.write(`${Buffer.byteLength(script)} ${mark} ${hasStdin}\n${script}`);
    // Its end is a mark, too (guest/stdin.mjs).
    options.stdin?.pipe(machine.stdin, { end: false });
    options.stdin?.once('end', () => machine.stdin.write(`\0${mark}`));
  });
  const status = Promise.race([reported, exited.then(() => undefined)]);
  const limit = new AbortController();
  const bootLimit = systemd ? BOOT_SECONDS.systemd : BOOT_SECONDS.plain;
  try {
    const outcome = await Promise.race([
      Promise.all([status, stdout.ended, stderr.ended]),
      after(bootLimit * 1000, limit.signal).then((late) => {
        if (bootMilliseconds !== undefined) return new Promise<never>(() => undefined);
        if (timeoutSeconds <= bootLimit) return late;
        throw new GuestError(`The guest was not up after ${bootLimit} s. ${log()}`, false);
      }),
      after(timeoutSeconds * 1000, limit.signal),
      aborted(signal, limit.signal),
    ]);
    const timedOut = outcome === TIMED_OUT;
    const code = timedOut ? 124 : outcome[0];
    if (code === undefined) {
      const booted = bootMilliseconds !== undefined;
      const when = booted ? 'before its command ended' : 'before it was up';
      const text = log();
      const panicked = /Kernel panic - not syncing: Kernel mode fault/.test(text);
      throw new GuestError(`The guest ended ${when}. Its console:\n${text}`, booted, panicked);
    }
    return {
      status: code,
      timedOut,
      stdout: stdout.text(),
      stderr: stderr.text(),
      console: log(),
      bootMilliseconds,
      pid: machine.process.pid,
    };
  } finally {
    limit.abort();
    options.stdin?.unpipe(machine.stdin);
    endMachine(machine); // nothing in it is worth a shutdown
    await exited;
    endMachine(machine);
    for (const stream of machine.process.stdio) stream?.destroy();
    if (picture !== undefined) closeSync(picture);
  }
}

function consoleTail(machine: Machine): () => string {
  let tail = '';
  const add = (chunk: Buffer): void => {
    tail = (tail + chunk.toString('latin1')).slice(-CONSOLE_TAIL);
  };
  machine.console.on('data', add);
  machine.process.stdout?.on('data', add);
  machine.process.stderr?.on('data', add);
  return () => tail.replaceAll('\r', '');
}

interface Output {
  ended: Promise<void>;
  text(): string;
}

/** Passes one port's bytes to `target`, or collects them, until the end mark. */
function passOn(port: Readable, mark: string, target: Writable | undefined): Output {
  const bytes = port.pipe(new EndMark(mark));
  const collected: Buffer[] = [];
  if (target === undefined) bytes.on('data', (chunk: Buffer) => collected.push(chunk));
  else bytes.pipe(target, { end: false });
  const ended = new Promise<void>((resolve, reject) => {
    bytes.once('end', resolve);
    bytes.once('end', () => target?.off('error', reject));
    target?.once('error', reject); // a reader that went away: nobody waits for the rest
  });
  return { ended, text: () => Buffer.concat(collected).toString('utf8') };
}

/** Reads the control port: calls `ready` once, resolves with the command's status. */
function controlLines(machine: Machine, ready: () => void): Promise<number> {
  return new Promise((resolve) => {
    let line = '';
    machine.control.on('data', (chunk: Buffer) => {
      const lines = (line + chunk.toString('latin1')).split('\n');
      line = lines.pop() ?? '';
      for (const each of lines) {
        const status = /^exit (\d+)$/.exec(each)?.[1];
        if (status !== undefined) resolve(Number(status));
        else if (each === 'ready') ready();
      }
    });
  });
}

function after(milliseconds: number, cancelled: AbortSignal): Promise<typeof TIMED_OUT> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(TIMED_OUT), milliseconds);
    cancelled.addEventListener('abort', () => clearTimeout(timer));
  });
}

function aborted(signal: AbortSignal | undefined, cancelled: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', stop);
    cancelled.addEventListener('abort', () => signal?.removeEventListener('abort', stop));
  });
}
