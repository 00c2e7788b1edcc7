/**
 * A file that is generated and committed: written, or, with `--check`, compared, so that a test can tell where
 * it is not up to date. Scripts that use it run in the repository's root.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** `source`: what it is made of. */
export function generated(path: string, text: string, source: string): void {
  const target = join(process.cwd(), path);
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    const script = `scripts/${basename(process.argv[1] ?? '', '.js')}.ts`;
    process.stderr.write(`${path} is not what ${source} says: run ${script}\n`);
    process.exitCode = 1;
  }
}
