#!/usr/bin/env bash
# The tests: on the host what needs no dma_buf, in the guest what does. Installs what is missing.
#
#   npm test                      all that a change must pass
#   npm test -- broker/tokens     the files whose path under test/ has that in it
#   npm run test:nightly          that, the soaks, and all at its full size
#   npm run test:qemu             all of the guest's in QEMU, with Debian's own kernel
#
# The last line is `N passed, N failed, N skipped`.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_packages 'testing' "${TEST_PACKAGES[@]}"
need_guest_packages
want_kernel_packages
bash scripts/build.sh
for folder in examples/c examples/wayland examples/v4l2 conformance/drivers/c test/native/vulkan/loss-layer test/support/programs; do
  make --silent -C "$folder"
done
exec node dist/test/runner/main.js "$@"
