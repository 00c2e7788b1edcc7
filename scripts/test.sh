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

# Whether a run has a file of test/bindings in it, by the rule of test/runner/files.ts.
wants_bindings() {
  local word file all=yes
  for word in "$@"; do
    [[ $word == --* ]] && continue
    all=no
    word=${word#./} && word=${word#dist/} && word=${word#test/} && word=${word%.[tj]s}
    for file in test/bindings/*.test.ts; do
      file=${file#test/}
      [[ ${file%.ts} == *"$word"* ]] && return 0
    done
  done
  [ "$all" = yes ]
}

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_packages 'testing' "${TEST_PACKAGES[@]}" "${PACK_PACKAGES[@]}"
if wants_bindings "$@"; then
  need_binding_packages
fi
need_guest_packages
want_kernel_packages
# Before the build: it looks whether a folder has changed since.
if wants_bindings "$@"; then
  make --silent -C examples/cpp
fi
for folder in examples/c examples/wayland examples/v4l2 conformance/drivers/c test/native/vulkan/loss-layer test/support/programs; do
  make --silent -C "$folder"
done
bash scripts/build.sh
exec node dist/test/runner/main.js "$@"
