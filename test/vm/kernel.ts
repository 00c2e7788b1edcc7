// Why: User-Mode Linux is a kernel that runs as a program. Debian has its source, but its own build of
// it lacks udmabuf and DMA heaps: this file builds one into the cache, under a name that is a hash of
// its configuration, of the script and the patch that build it and of where its source may be from. It owns that folder.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { privateApt } from './apt.js';
import { ended, spawnBound, withLock } from './children.js';
import { KERNEL_PACKAGES, KERNEL_PROGRAMS, KERNEL_SUITES, missingPrograms } from './packages.js';
import { cacheFolder, guestScript } from './paths.js';
import { say } from './say.js';

export interface FastKernel {
  folder: string;
  /** The program. */
  program: string;
  /** What belongs at /usr/lib/modules: a folder named as the kernel calls itself. */
  modules: string;
}

/** Compiling prints a line a file: about so many. */
const STEPS = 1900;

/** The source's archive, kept in the kernel's folder: what is built for it later (display.ts) is to be of the same. */
export const SOURCE = 'source.tar.xz';

/** The kernel if it has been built. */
export function builtKernel(): FastKernel | undefined {
  const folder = join(cacheFolder(), `uml-${kernelKey()}`);
  if (!existsSync(folder)) return undefined;
  return { folder, program: join(folder, 'linux'), modules: join(folder, 'modules') };
}

/** The kernel, built if it is missing: 8 minutes of one CPU, once. Throws with what is missing. */
export async function ensureKernel(): Promise<FastKernel> {
  const known = builtKernel();
  if (known !== undefined) return known;
  if (process.arch !== 'x64') throw new Error('it is built for amd64 alone');
  const missing = missingPrograms(KERNEL_PROGRAMS);
  if (missing.length > 0) {
    throw new Error(
      `building it takes ${missing.join(', ')}: ` +
        `apt-get install --no-install-recommends ${KERNEL_PACKAGES.join(' ')}`,
    );
  }
  mkdirSync(cacheFolder(), { recursive: true });
  const waiting = () => say('another process is building the fast kernel; waiting for it');
  return withLock(join(cacheFolder(), 'kernel.lock'), waiting, async () => {
    if (builtKernel() === undefined) await build();
    const built = builtKernel();
    if (built === undefined) throw new Error('its folder is gone again');
    return built;
  });
}

function kernelKey(): string {
  const names = ['uml.config', 'build-kernel.sh', 'uml-faster.patch'];
  const parts = names.map((name) => readFileSync(guestScript(name)));
  const suites = Buffer.from(JSON.stringify(KERNEL_SUITES));
  return createHash('sha256')
    .update(Buffer.concat([...parts, suites]))
    .digest('hex')
    .slice(0, 12);
}

/** Called with the lock held. */
async function build(): Promise<void> {
  const started = performance.now();
  const folder = join(cacheFolder(), `uml-${kernelKey()}`);
  const temporary = `${folder}.tmp`;
  say(`building the fast kernel (User-Mode Linux) in ${folder}: once, 4 to 10 minutes, 3 GB`);
  let source = '';
  for (const suite of KERNEL_SUITES) {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    try {
      source = await compile(suite, temporary);
      break;
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      if (suite === KERNEL_SUITES.at(-1)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      say(`the kernel of ${suite} could not be built, and an older one is: ${reason}`);
    }
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const facts = { source, built: new Date().toISOString(), seconds };
  const made = join(temporary, 'made');
  renameSync(join(temporary, 'fetched', SOURCE), join(made, SOURCE));
  writeFileSync(join(made, 'build.json'), `${JSON.stringify(facts, null, 2)}\n`);
  renameSync(made, folder);
  rmSync(temporary, { recursive: true });
  say(`the fast kernel is built, in ${seconds} s`);
}

/**
 * Fetches the source from the suite, and builds it. Returns what the source is called.
 */
async function compile(suite: string, temporary: string): Promise<string> {
  const fetched = join(temporary, 'fetched');
  const archive = await fetchSource(suite, fetched);
  const [work, made] = [join(temporary, 'build'), join(temporary, 'made')];
  const build = ['nice', 'sh', guestScript('build-kernel.sh'), archive];
  const progress = (lines: number): void =>
    say(`the fast kernel: about ${Math.min(99, Math.round((100 * lines) / STEPS))} %`);
  const argv = [...build, guestScript('uml.config'), work, made];
  await runScript('it could not be built', argv, progress);
  return readFileSync(join(fetched, 'name'), 'utf8').trim();
}

/** The newest source that the suite has, or of the package and version that is wanted. Returns its archive. */
export async function fetchSource(suite: string, folder: string, wanted?: string): Promise<string> {
  const fetch = [...privateApt(folder, suite), 'sh', guestScript('fetch-kernel.sh'), folder];
  const argv = wanted === undefined ? fetch : [...fetch, wanted.replace(' ', '=')];
  await runScript('its source could not be fetched', argv);
  return join(folder, SOURCE);
}

/** Says now and then how many lines it has printed, and all that it printed only if it fails. */
export async function runScript(
  failure: string,
  argv: readonly string[],
  tell: (lines: number) => void = () => undefined,
): Promise<void> {
  const child = spawnBound(argv, ['ignore', 'pipe', 'pipe'], 'TERM');
  const last: string[] = [];
  let lines = 0;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface(stream).on('line', (line) => {
      last.push(line);
      if (last.length > 40) last.shift();
      lines += 1;
    });
  }
  const progress = setInterval(() => tell(lines), 20_000);
  const { code } = await ended(child);
  clearInterval(progress);
  if (code !== 0) throw new Error(`${failure} (status ${code}):\n${last.join('\n')}`);
}
