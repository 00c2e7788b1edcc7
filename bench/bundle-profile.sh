#!/usr/bin/env bash
# The daemon's bundle as it is compiled for bench/cases/profile.ts: not minified, so that esbuild's comments say which
# file each line is of. Into dist/bundle-profile.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist/bundle-profile
node_modules/.bin/esbuild --bundle --splitting --platform=node --format=esm --target=node20 \
  --log-level=warning --external:ffi-rs \
  --outdir=dist/bundle-profile --outbase=src --chunk-names=chunks/[name]-[hash] \
  --banner:js="import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" \
  src/server/main.ts src/server/plane/main.ts src/server/allocator/main.ts src/server/preview/main.ts src/server/looker/main.ts \
  src/server/keeper/main.ts
