#!/usr/bin/env node
// The command line; it is compiled from src/cli.
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('dmabrokerctl: not built yet: run `npm run build` first');
  process.exitCode = 1;
}
