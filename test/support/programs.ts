/** Where the programs that tests start are: in the bundle of the tests, where they load a few files in place of a hundred. */
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

/** By its path under test/, without its ending. */
export const bundled = (path: string): string =>
  join(packageRoot, 'dist/bundle-tests', `${path}.js`);

/** One of support/programs. */
export const programFile = (name: string): string => bundled(`support/programs/${name}`);
