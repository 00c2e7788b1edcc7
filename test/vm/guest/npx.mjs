#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
// Why: the guest has Node but not npm (large, and useless without a network). This is npx for
// what the checkout has: the project's own bin entries, then node_modules/.bin.
// The program is imported into this process: under TCG a second start of Node costs seconds.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = '/dmabroker';
const args = process.argv.slice(2);
while (args[0]?.startsWith('-')) args.shift(); // -y, --no-install, --
const [name, ...rest] = args;
if (name === undefined) {
  console.error('usage: npx <program> [arguments]');
  process.exit(2);
}

const { bin = {}, name: own } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const entries = typeof bin === 'string' ? { [own]: bin } : bin;
const candidates = [
  ...(Object.hasOwn(entries, name) ? [resolve(root, entries[name])] : []),
  `${root}/node_modules/.bin/${name}`,
];
const found = candidates.find((path) => existsSync(path));
if (found === undefined) {
  console.error(`npx: ${name}: neither a bin entry of this project nor in node_modules/.bin`);
  process.exit(127);
}

const file = realpathSync(found);
if (/^#!.*\bnode\b/.test(readFileSync(file, 'latin1').slice(0, 80))) {
  process.argv = [process.execPath, file, ...rest];
  await import(pathToFileURL(file).href);
} else {
  const { status, error } = spawnSync(file, rest, { stdio: 'inherit' });
  if (error !== undefined) console.error(`npx: ${error.message}`);
  process.exit(status ?? 1);
}
