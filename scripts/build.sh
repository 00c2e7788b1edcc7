#!/usr/bin/env bash
# Compiles everything: the shim (C), TypeScript (src, test, bench, scripts), the daemon's bundle.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p dist/native
shim=src/native/shim/dmabroker.c
if [ ! -e dist/native/dmabroker.so ] || [ "$shim" -nt dist/native/dmabroker.so ]; then
  "${CC:-cc}" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror \
    -o dist/native/dmabroker.so.new "$shim" -lpthread -ldl
  mv dist/native/dmabroker.so.new dist/native/dmabroker.so
fi
node_modules/.bin/tsc -p .
