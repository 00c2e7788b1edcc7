#!/usr/bin/env node
// The command line: its bundle where there is one (it starts faster), else the compiled modules.
import { existsSync } from 'node:fs';

const forms = ['../dist/bundle/cli/main.js', '../dist/src/cli/main.js'];
const found = forms.map((form) => new URL(form, import.meta.url)).find((url) => existsSync(url));
if (found) {
  // What it needs, and what is missing here (src/native/platform.ts), without a stack.
  await import(found.href).catch((error) => {
    if (error?.code !== 'ERR_DMABROKER_PLATFORM') throw error;
    console.error(`dmabrokerctl: ${error.message}`);
    process.exitCode = 1;
  });
} else {
  console.error('dmabrokerctl: not built yet: run `npm run build` first');
  process.exitCode = 1;
}
