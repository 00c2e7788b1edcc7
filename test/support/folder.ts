/** A folder of a test's own, for sockets and files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** Removed at the test's end. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
