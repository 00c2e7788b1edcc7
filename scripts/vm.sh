#!/usr/bin/env bash
# Runs a command in the guest: npm run vm -- <command>. See test/vm/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/build.sh >&2
exec node dist/test/vm/run.js "$@"
