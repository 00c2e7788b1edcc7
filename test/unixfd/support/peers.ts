/**
 * The other side of dmabroker-unixfd, without GStreamer: an `unixfdsrc` that keeps what it likes, an `unixfdsink` that sends what
 * it likes; and the program itself, as a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { accept, connectUnix, listenUnix } from '../../../src/native/libc/socket.js';
import { watch } from '../../../src/native/libc/watch.js';
import { packageRoot } from '../../../src/package-root.js';
import { type Message, releaseMessage } from '../../../src/unixfd/codec/wire.js';
import { Line } from '../../../src/unixfd/line.js';
import { eventually } from '../../support/daemon.js';

type BufferMessage = Extract<Message, { type: 'buffer' }>;

/** What was sent by the other side, until the test's end. */
export class Peer {
  readonly buffers: BufferMessage[] = [];
  readonly released: bigint[] = [];
  caps: string | null = null;
  eos = false;
  /** Why it is over; null while it is not. */
  over: string | null = null;
  /** Whether each buffer is released as soon as it has been read. */
  releases = false;
  /** What was read of them then. */
  readonly contents: string[] = [];
  readonly line: Line;

  constructor(t: Test, socket: number) {
    this.line = new Line(socket, {
      message: (message) => this.#heard(message),
      ended: (why) => {
        this.over = why ?? 'closed';
      },
    });
    t.teardown(() => this.leave());
  }

  /** Nothing of what it was sent is left. */
  leave(): void {
    this.line.end();
    for (const { fds } of this.buffers.splice(0)) for (const fd of fds) close(fd);
  }

  static connect(t: Test, path: string): Peer {
    return new Peer(t, connectUnix(path));
  }

  #heard(message: Message): void {
    if (message.type === 'caps') this.caps = message.text;
    else if (message.type === 'eos') this.eos = true;
    else if (message.type === 'release') this.released.push(message.id);
    else {
      this.buffers.push(message);
      if (this.releases) {
        this.contents.push(contentOf(message));
        this.line.send(releaseMessage(message.buffer.id));
      }
    }
  }

  has(count: number): Promise<void> {
    return eventually(
      () => this.buffers.length >= count,
      () => `${this.buffers.length} of ${count} buffers have come; ${this.over}`,
    );
  }
}

/** The first byte of a frame and the last, which are to be the same. */
export function contentOf({ buffer, fds }: BufferMessage): string {
  const [memory] = buffer.memories;
  const bytes = Buffer.alloc(memory?.size ?? 0);
  readSync(fds[0] ?? -1, bytes, 0, bytes.length, memory?.offset ?? 0);
  return `${bytes[0]} ${bytes.at(-1)}`;
}

/** Where a sink is: whoever connects is a Peer. */
export function listen(t: Test, path: string): Peer[] {
  const peers: Peer[] = [];
  const listener = listenUnix(path);
  const watching = watch(listener, () => {
    for (let fd = accept(listener); fd !== null; fd = accept(listener)) peers.push(new Peer(t, fd));
  });
  t.teardown(() => {
    watching.close();
    close(listener);
  });
  return peers;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has said on stderr until now. */
  readonly said: () => string;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** All that it has written. */
  readonly output: Promise<string>;
}

/** dmabroker-unixfd, which ends with the test. */
export function run(t: Test, socket: string, ...args: string[]): Running {
  const program = join(packageRoot, 'bin/dmabroker-unixfd.js');
  const child = spawn(process.execPath, [program, ...args, '--socket', socket], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stdin.on('error', () => {});
  const exit = once(child, 'close');
  const ended = exit.then(([code, signal]) => code ?? signal);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, said: () => said, ended, output: text(child.stdout) };
}
