#!/usr/bin/env node
// The command line: its bundle where there is one (it starts faster), else the compiled modules.
import { existsSync } from 'node:fs';

const forms = ['../dist/bundle/cli/main.js', '../dist/src/cli/main.js'];
const found = forms.map((form) => new URL(form, import.meta.url)).find((url) => existsSync(url));
if (found) {
  await import(found.href);
} else {
  console.error('dmabrokerctl: not built yet: run `npm run build` first');
  process.exitCode = 1;
}
