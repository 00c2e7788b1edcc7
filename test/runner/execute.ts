/**
 * Runs one test file, on the host or in a guest, or several that share a process or a guest, and says
 * what came of each. It owns their processes: whatever happens, none is left when it is done, and
 * nothing is waited for without a limit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { type Beside, putBeside } from '../vm/beside.js';
import { GuestError, type Host, runOn } from '../vm/vm.js';
import type { Group, TestFile, Where } from './files.js';
import { CONTIGUOUS } from './lists.js';
import { nothing, type Outcome, partsOf, TapReader } from './tap.js';

/** Seconds. They end what hangs and judge nothing. */
export interface Limits {
  /** For one test of a file. */
  readonly test: number;
  readonly file: number;
  /** How long output may stay open after the file has ended: what it started should be gone by then. */
  readonly linger: number;
}

const LIMITS: Limits = { test: 600, file: 900, linger: 10 };
const NIGHT_LIMITS: Limits = { test: 7200, file: 7200, linger: 10 };
/**
 * The machine of the smoke run: one boot for all of it. All of its memory is below 4 GiB, which is what its card
 * reaches: a DMA heap's large pieces the driver refuses elsewhere (docs/displays-and-codecs.md).
 */
const SMOKE = { systemd: true, cpus: 1, display: true, memoryMegabytes: 2048 } as const;
/** What a guest has beyond its files' limits. Seconds; the guest itself ends a file that is late. */
const GUEST_SECONDS = 60;

export interface Execution extends Outcome {
  readonly seconds: number;
  /** All that the file printed to stdout. */
  readonly tap: string;
}

export interface Surroundings {
  /** Where compiled code is. */
  readonly dist: string;
  /** The guests that there are. */
  readonly hosts: ReadonlyMap<Where, Host>;
  /** Everything at its full size, the validation layer on every guest's file. */
  readonly nightly: boolean;
  readonly limits?: Limits;
}

const limitsOf = ({ limits, nightly }: Surroundings): Limits =>
  limits ?? (nightly ? NIGHT_LIMITS : LIMITS);

/** What became of each file of the group. */
export async function execute(
  group: Group,
  around: Surroundings,
): Promise<ReadonlyMap<TestFile, Execution>> {
  const started = performance.now();
  const reader = new TapReader();
  const pieces: Buffer[] = [];
  const take = (chunk: Buffer): void => {
    pieces.push(chunk);
    reader.write(chunk);
  };
  const [file] = group;
  if (file === undefined) return new Map();
  const trouble = await (file.where === 'host' ? onHost : inGuest)(group, around, take);
  const last = reader.end();
  const ended = performance.now();
  const tap = Buffer.concat(pieces).toString('utf8');
  const seconds = (ended - started) / 1000;
  if (group.length === 1) return new Map([[file, { ...judged(last, trouble), seconds, tap }]]);
  const results = apart(group, reader, { tap, ended, trouble });
  const begun = group.filter(({ name }) => reader.parts.has(name));
  if (file.where === 'host' || begun.length === 0 || begun.length === group.length) return results;
  // One of them ended the guest: it is told of that, and the others have another guest.
  const others = await execute(group.slice(begun.length), around);
  return new Map([...results, ...others]);
}

/** An exit status says no more than a failed assertion that is counted already. */
function judged(outcome: Outcome, trouble: readonly Trouble[]): Outcome {
  const unsaid = outcome.failed === 0 ? [...trouble] : trouble.filter(({ grave }) => grave);
  const nothing = outcome.passed + outcome.failed + outcome.skipped === 0;
  if (nothing && unsaid.length === 0) unsaid.push({ text: 'it asserted nothing', grave: true });
  return {
    ...outcome,
    failed: outcome.failed + unsaid.length,
    failures: [...outcome.failures, ...unsaid.map(({ text }) => text)],
  };
}

interface Whole {
  readonly tap: string;
  readonly ended: number;
  readonly trouble: readonly Trouble[];
}

/** What files that shared a process did, each; what went wrong beside, the last of them is told. */
function apart(
  group: Group,
  reader: TapReader,
  { tap, ended, trouble }: Whole,
): ReadonlyMap<TestFile, Execution> {
  const parts = [...reader.parts];
  const anyFailed = parts.some(([, { outcome }]) => outcome.failed > 0);
  const texts = partsOf(tap);
  return new Map(
    group.map((file) => {
      const at = parts.findIndex(([name]) => name === file.name);
      const part = parts[at]?.[1];
      if (part === undefined) {
        const text = 'it did not run: the file before it ended their process';
        const why = parts.length === 0 && trouble.length > 0 ? trouble : [{ text, grave: true }];
        return [file, { ...judged(nothing(), why), seconds: 0, tap: '' }];
      }
      const isLast = at === parts.length - 1;
      const own = isLast ? trouble.filter(({ grave }) => grave || !anyFailed) : [];
      const seconds = ((parts[at + 1]?.[1].began ?? ended) - part.began) / 1000;
      return [file, { ...judged(part.outcome, own), seconds, tap: texts.get(file.name) ?? '' }];
    }),
  );
}

/** What went wrong beside the assertions. Not grave: an exit status that failed assertions explain. */
interface Trouble {
  readonly text: string;
  readonly grave: boolean;
}

type Take = (chunk: Buffer) => void;

function environment(around: Surroundings): Record<string, string> {
  const nightly = around.nightly ? '1' : '';
  return { TAP: '1', TAP_TIMEOUT: String(limitsOf(around).test), DMABROKER_NIGHTLY: nightly };
}

/** The program and its arguments. */
function commandOf(group: Group, { dist }: Surroundings): string[] {
  const names = group.map(({ name }) => name);
  if (names.length > 1) return [`${dist}/bundle-tests/runner/together.js`, ...names];
  return names.map((name) => `${dist}/bundle-tests/${name}.test.js`);
}

async function onHost(group: Group, around: Surroundings, take: Take): Promise<Trouble[]> {
  const limits = limitsOf(around);
  const child = spawn(process.execPath, commandOf(group, around), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment(around) },
    detached: true, // a process group, so that all of it can be ended
  });
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  process.once('exit', endGroup);
  child.stdout.on('data', take);
  const closed = once(child, 'close');
  const trouble: Trouble[] = [];
  const late = setTimeout(() => {
    trouble.push({ text: `it was ended after ${limits.file} s`, grave: true });
    endGroup();
  }, limits.file * 1000);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(late);
  if (code !== 0)
    trouble.push({ text: `it ended with ${signal ?? `status ${code}`}`, grave: false });
  const lingering = setTimeout(() => {
    const text = `a process that it started still held its output ${limits.linger} s after it ended`;
    trouble.push({ text, grave: true });
    endGroup();
    child.stdout.destroy();
  }, limits.linger * 1000);
  await closed;
  clearTimeout(lingering);
  endGroup();
  process.off('exit', endGroup);
  return trouble;
}

async function inGuest(group: Group, around: Surroundings, take: Take): Promise<Trouble[]> {
  const [file] = group;
  const host = file && around.hosts.get(file.where);
  if (host === undefined) return [{ text: 'there is no guest', grave: true }];
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      take(chunk);
      done();
    },
  });
  const { file: limit } = limitsOf(around);
  const timeoutSeconds = limit * group.length + GUEST_SECONDS;
  const watched = around.nightly ? ['--layer'] : [];
  const names = group.map(({ name }) => name);
  const env = environment(around);
  let beside: Beside | null = null;
  try {
    // One with packages of its own has a guest of its own.
    beside = await putBeside(host, file?.name ?? '');
    if (beside.mappingDisplay !== null) env.DMABROKER_MAPPING_DISPLAY = beside.mappingDisplay;
    const { status, timedOut } = await runOn(
      host,
      [
        ...under(beside.layer),
        ...['node', 'dist/test/vm/guest-file.js', ...watched, '--limit', `${limit}`, ...names],
      ],
      {
        ...{ timeoutSeconds, env, stdout, stderr: process.stderr },
        ...(file?.where === 'qemu' ? SMOKE : {}),
        // Without it the file says what it lacks.
        contiguousMegabytes: host.kind === 'uml' ? (CONTIGUOUS.get(file?.name ?? '') ?? 0) : 0,
      },
    );
    if (timedOut) return [{ text: `its guest was ended after ${timeoutSeconds} s`, grave: true }];
    return status === 0 ? [] : [{ text: `it ended with status ${status}`, grave: false }];
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return [{ text: error.message, grave: true }];
  } finally {
    beside?.remove();
  }
}

/** What runs a command with a layer over the guest's /usr. */
function under(layer: string | null): string[] {
  if (layer === null) return [];
  return ['sh', '-c', 'sh test/vm/guest/add-layer.sh "$0" && exec "$@"', layer];
}
