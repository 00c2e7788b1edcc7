#!/usr/bin/env bash
# All tests: on the host what needs no dma_buf, in the guest what does. Installs what is missing.
# The last line is `N passed, N failed, N skipped`.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_packages 'testing' "${TEST_PACKAGES[@]}"
need_guest_packages
say 'building'
bash scripts/build.sh
for example in c wayland v4l2; do make --silent -C "examples/$example"; done
make --silent -C test/native/vulkan/loss-layer

say 'preparing the guest'
node dist/test/vm/run.js

mkdir -p build
status=0
# --reporter: one line a file while it runs; the whole TAP goes to the file that is counted.
node_modules/.bin/tap run --reporter=terse --output-file=build/tests.tap "$@" || status=$?
# The reporter leaves a control sequence for the cursor without a line's end.
echo
node dist/scripts/summary.js build/tests.tap || status=1
exit "$status"
