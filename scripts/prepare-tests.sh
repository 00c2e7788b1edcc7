#!/usr/bin/env bash
# What the tests need before they run: Debian's packages, the programs in C and C++, the build. Its arguments are those of
# test.sh.
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
need_packages 'testing' "${TEST_PACKAGES[@]}" "${PACK_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"
if wants_bindings "$@"; then
  need_binding_packages
fi
need_guest_packages
want_kernel_packages
# Before the build: it looks whether a folder has changed since.
folders=(examples/c examples/wayland examples/v4l2 examples/pipewire examples/scanout conformance/drivers/c conformance/drivers/libdmabroker test/native/vulkan/loss-layer test/native/cuda/double test/support/programs)
if wants_bindings "$@"; then
  folders=(examples/cpp "${folders[@]}")
fi
# First and alone: a driver of conformance/ is linked with it.
make --silent -C clients/c all check-programs
make --silent -C clients/heaps check-programs
printf '%s\0' "${folders[@]}" | xargs -0 -n 1 -P "$(nproc)" make --silent -C
bash scripts/build.sh
