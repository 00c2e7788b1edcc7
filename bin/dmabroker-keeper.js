#!/usr/bin/env node
// Keeps file descriptors for the daemon: its bundle where there is one, else the compiled module.
import { existsSync } from 'node:fs';

const forms = ['../dist/bundle/server/keeper/main.js', '../dist/src/server/keeper/main.js'];
const found = forms.map((form) => new URL(form, import.meta.url)).find((url) => existsSync(url));
if (!found) throw new Error('not built yet: run `npm run build` first');
await import(found.href);
