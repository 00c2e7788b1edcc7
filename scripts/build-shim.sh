#!/usr/bin/env bash
# Compiles the shim with one compiler into one folder: build-shim.sh <compiler> <folder>
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "$2"
# Two may want it at the same time, and neither is to load half of it.
new=$2/dmabroker.so.$$
trap 'rm -f "$new"' EXIT
"$1" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror \
  -o "$new" -isystem node_modules/node-api-headers/include src/native/shim/*.c -lpthread -ldl
mv "$new" "$2/dmabroker.so"
