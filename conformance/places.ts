/** Where the scenarios and the project's own drivers are. */
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';

export const SCENARIOS = join(packageRoot, 'conformance', 'scenarios');

/** The drivers, as commands of a shell. */
export const TYPESCRIPT = `"${process.execPath}" "${join(packageRoot, 'dist/conformance/drivers/typescript.js')}"`;
export const C = `"${join(packageRoot, 'conformance/drivers/c/build/driver')}"`;
