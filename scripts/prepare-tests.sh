#!/usr/bin/env bash
# What the tests need before they run: Debian's packages, the programs in C and C++, the build. Its arguments are those of
# test.sh.
source "$(dirname "$0")/setup.sh"

# wants <run's arguments> -- <file…>: whether the run has one of these test files in it, by the rule of test/runner/files.ts.
wants() {
  local words=() word file
  while [ "$1" != -- ]; do
    [[ $1 == --* ]] || words+=("$1")
    shift
  done
  shift
  [ ${#words[@]} -eq 0 ] && return 0
  for word in "${words[@]}"; do
    word=${word#./} && word=${word#dist/} && word=${word#test/} && word=${word%.[tj]s}
    for file in "$@"; do
      file=${file#test/}
      [[ ${file%.ts} == *"$word"* ]] && return 0
    done
  done
  return 1
}

need_node
# Beside each other: npm waits for its files, compilers compute.
need_modules &
modules=$!
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_packages 'testing' "${TEST_PACKAGES[@]}" "${PACK_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"
if wants "$@" -- test/bindings/*.test.ts; then
  need_binding_packages
fi
need_guest_packages
want_kernel_packages
# Before the build: it looks whether a folder has changed since.
folders=("${EXAMPLES[@]}" conformance/drivers/c conformance/drivers/libdmabroker test/native/vulkan/loss-layer test/native/cuda/double test/support/programs)
if wants "$@" -- test/bindings/*.test.ts; then
  folders=(examples/cpp "${folders[@]}")
fi
# First and alone: a driver of conformance/ is linked with it.
make --silent -C clients/c all check-programs
make --silent -C clients/heaps check-programs
make --silent -C clients/gbm check-programs
make_each "${folders[@]}"
wait $modules
bash scripts/build.sh
# The guest has no Rust: its driver is built before. Without words it is the night's, as is its meeting with others.
rust=(test/conformance/rust.guest.test.ts)
case " $* " in
  *' --nightly '*) rust+=(test/conformance/mixed.test.ts) ;;
esac
if [ $# -gt 0 ] && wants "$@" -- "${rust[@]}"; then
  node dist/test/rust/main.js
fi
