/** Where the scenarios and the project's own drivers are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';

export const SCENARIOS = join(packageRoot, 'conformance', 'scenarios');

/** The drivers, as commands of a shell. */
export const TYPESCRIPT = `"${process.execPath}" "${join(packageRoot, 'dist/conformance/drivers/typescript.js')}"`;
const PYTHON_DRIVER = join(packageRoot, 'conformance/drivers/python/driver.py');
/** Debian's own where it is: its packages are for that one, whichever comes first in PATH. */
export const PYTHON_PROGRAM = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
export const PYTHON = `${PYTHON_PROGRAM} "${PYTHON_DRIVER}"`;
/** The same over the library's asyncio client. */
export const PYTHON_AIO = `${PYTHON} --aio`;
export const C = `"${join(packageRoot, 'conformance/drivers/c/build/driver')}"`;
/** Over the C library; the one above is over libwayland, and speaks the protocol's words, too. */
export const LIBDMABROKER = `"${join(packageRoot, 'conformance/drivers/libdmabroker/build/driver')}"`;
/** Over the Rust library, where it was built (test/rust/main.ts). */
export const RUST = `"${join(packageRoot, 'conformance/drivers/rust/build/driver')}"`;
