/**
 * A machine with two Vulkan devices where there is only lavapipe: a copy of the driver that says
 * another deviceUUID. lavapipe's is `mesa` and its version, which lies in the library as it is or as
 * the operands of instructions; one letter of it is changed everywhere.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { listDevices } from '../../../src/native/vulkan/open.js';
import { temporaryFolder } from '../../support/folder.js';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so';
/** `mesa25`: what is in one piece in any case. */
const PIECE = 6;

export interface TwoDevices {
  readonly first: string;
  readonly second: string;
  /** For a daemon that is to see both. */
  readonly env: NodeJS.ProcessEnv;
}

/** To be called where lavapipe is the first device. */
export function twoDevices(t: Test): TwoDevices {
  const first = listDevices().find(({ driver }) => driver.name === 'llvmpipe')?.deviceUuid;
  if (first === undefined) throw new Error('there is no lavapipe');
  const folder = temporaryFolder(t);
  const from = Buffer.from(first, 'hex').subarray(0, PIECE);
  const to = Buffer.from(from.toString('latin1').replace('mesa', 'mesb'), 'latin1');
  const library = readFileSync(LIBRARY);
  let found = 0;
  for (let at = library.indexOf(from); at >= 0; at = library.indexOf(from, at)) {
    to.copy(library, at);
    found++;
  }
  if (found === 0) throw new Error(`${LIBRARY} has no ${from.toString('latin1')}`);
  const driver = (name: string, path: string) => {
    const file = join(folder, `${name}.json`);
    const ICD = { library_path: path, api_version: '1.1.0' };
    writeFileSync(file, JSON.stringify({ file_format_version: '1.0.0', ICD }));
    return file;
  };
  const copy = join(folder, 'libvulkan_second.so');
  writeFileSync(copy, library);
  const files = [driver('first', LIBRARY), driver('second', copy)].join(':');
  return {
    first,
    second: Buffer.concat([to, Buffer.from(first, 'hex').subarray(PIECE)]).toString('hex'),
    // The loader of before 1.3.207 knows the old name alone.
    env: { ...process.env, VK_DRIVER_FILES: files, VK_ICD_FILENAMES: files },
  };
}
