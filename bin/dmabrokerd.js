#!/usr/bin/env node
// The daemon: its bundle where there is one (it starts faster), else the compiled modules.
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// Before anything is loaded: by default Node opens its debugger at SIGUSR1, and the others would end a
// daemon that has not said yet what they mean (src/server/signals.ts).
for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP']) process.on(signal, () => {});

// Of the little that is new (src/server/threads/young.ts) the part that is still needed is copied sooner than several threads
// have agreed on it.
setFlagsFromString('--no-parallel-scavenge');

// For `journalctl -p err`: what goes to the journal says that it is an error (src/server/log/journal.ts).
const complain = (text) =>
  console.error(`${process.env.JOURNAL_STREAM ? '<3>' : ''}dmabrokerd: ${text}`);

/** Of a machine that lacks something, and of a wrong configuration (src/native/door.ts), as src/server/main.ts has it. */
const EXITS = { ERR_DMABROKER_PLATFORM: 1, ERR_DMABROKER_DOOR: 2 };

const forms = ['../dist/bundle/server/main.js', '../dist/src/server/main.js'];
const found = forms.map((form) => new URL(form, import.meta.url)).find((url) => existsSync(url));
if (found) {
  // What it needs, and what is missing here (src/native/platform.ts), without a stack.
  await import(found.href).catch((error) => {
    const status = EXITS[error?.code];
    if (status === undefined) throw error;
    complain(error.message);
    process.exitCode = status;
  });
} else {
  complain('not built yet: run `npm run build` first');
  process.exitCode = 1;
}
