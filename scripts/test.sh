#!/usr/bin/env bash
# The tests: on the host what needs no dma_buf, in the guest what does. Installs what is missing.
#
#   npm test                      all that a change must pass
#   npm test -- broker/tokens     the files whose path under test/ has that in it
#   npm run test:nightly          that, the soaks, and all at its full size
#   npm run test:qemu             all of the guest's in QEMU, with Debian's own kernel
#
# The last line is `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/prepare-tests.sh "$@"
exec node dist/test/runner/main.js "$@"
