#!/usr/bin/env bash
# Compiles the shim with one compiler into one folder: build-shim.sh <compiler> <folder>
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "$2"
"$1" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror \
  -o "$2/dmabroker.so.new" src/native/shim/*.c -lpthread -ldl
mv "$2/dmabroker.so.new" "$2/dmabroker.so"
