/** A folder of a test's own, for sockets and files. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** Removed at the test's end. */
export function temporaryFolder(t: Pick<Test, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An XDG_RUNTIME_DIR in which clients find a daemon's socket. */
export function runtimeFolder(t: Test, clientSocket: string): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'dmabroker'));
  symlinkSync(clientSocket, join(folder, 'dmabroker/client.sock'));
  return folder;
}
