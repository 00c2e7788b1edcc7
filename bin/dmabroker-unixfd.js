#!/usr/bin/env node
// Shares buffers with GStreamer: its bundle where there is one (it starts faster), else the compiled modules.
import { existsSync } from 'node:fs';

/** What the environment or the machine has wrong (src/native/platform.ts, door.ts). */
const TOLD = new Set(['ERR_DMABROKER_PLATFORM', 'ERR_DMABROKER_DOOR']);

const forms = ['../dist/bundle/unixfd/main.js', '../dist/src/unixfd/main.js'];
const found = forms.map((form) => new URL(form, import.meta.url)).find((url) => existsSync(url));
if (found) {
  // Without a stack.
  await import(found.href).catch((error) => {
    if (!TOLD.has(error?.code)) throw error;
    console.error(`dmabroker-unixfd: ${error.message}`);
    process.exitCode = 1;
  });
} else {
  console.error('dmabroker-unixfd: not built yet: run `npm run build` first');
  process.exitCode = 1;
}
