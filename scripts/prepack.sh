#!/usr/bin/env bash
# Before `npm pack`: all that the package has, the shim for both architectures among it. The other one is
# compiled by Debian's cross compiler.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'packing' "${BUILD_PACKAGES[@]}" "${PACK_PACKAGES[@]}"
bash scripts/build.sh >&2
case $(node -p process.arch) in
  x64) bash scripts/build-shim.sh aarch64-linux-gnu-gcc dist/native/linux-arm64 ;;
  arm64) bash scripts/build-shim.sh x86_64-linux-gnu-gcc dist/native/linux-x64 ;;
  *) say 'the package is made on x64 or arm64' && exit 3 ;;
esac
