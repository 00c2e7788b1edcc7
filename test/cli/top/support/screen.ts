/** `dmabrokerctl top` on a terminal of its own, which script(1) makes: what it shows, and keys for it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { eventually } from '../../../support/daemon.js';
import { temporaryFolder } from '../../../support/folder.js';
import { main } from '../../support/ctl.js';

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Before the command, e.g. `NO_COLOR=1`. */
  readonly env?: string;
  /** What a shell with job control is to do in place of it: `$TOP` is the command, `$F` the folder. */
  readonly job?: string;
}

export class OnScreen {
  /** All that was written. */
  written = '';
  readonly ended: Promise<number | null>;
  readonly #child;

  private constructor(
    command: string,
    readonly folder: string,
  ) {
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.written += text;
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  static start(t: Test, args: readonly string[], terminal: Terminal): OnScreen {
    const { columns, rows, env = 'NO_COLOR=1', job } = terminal;
    const folder = temporaryFolder(t);
    const script = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const run = [process.execPath, main, ...args].join(' ');
    // The shell's number becomes top's.
    const top = `sh ${script('top', `echo $$ > ${folder}/pid\nLC_ALL=C.UTF-8 ${env} exec ${run} 2> ${folder}/complaints\n`)}`;
    const jobs = job?.replaceAll('$TOP', top).replaceAll('$F', folder);
    const line = jobs === undefined ? top : `bash -m ${script('job', jobs)}`;
    const before = `stty rows ${rows} cols ${columns}; tty > ${folder}/tty; stty -g > ${folder}/before`;
    const command = `${before}; ${line}; r=$?; stty -g > ${folder}/after; exit $r`;
    const screen = new OnScreen(command, folder);
    t.teardown(() => screen.#child.kill());
    return screen;
  }

  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Each time that the screen was drawn, as lines of text; the last one may be on its way. */
  get frames(): string[][] {
    return this.written
      .split('\u001b[H')
      .slice(1)
      .map((frame) =>
        frame
          // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not text
          .replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '')
          .split(/\r*\n/),
      );
  }

  get text(): string {
    return (this.frames.at(-1) ?? []).join('\n');
  }

  /** Waits for a screen with something in it. */
  async shows(pattern: RegExp): Promise<void> {
    await eventually(
      () => pattern.test(this.text),
      () => `the screen shows ${pattern}:\n${this.text}`,
    );
  }

  resize(columns: number, rows: number): void {
    spawnSync('stty', ['-F', this.said('tty'), 'rows', `${rows}`, 'cols', `${columns}`]);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(Number(this.said('pid')), signal);
  }

  runs(): boolean {
    return existsSync(`/proc/${this.said('pid')}`);
  }

  /** The terminal is gone, as when its window is closed. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  said(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8').trim();
  }
}
