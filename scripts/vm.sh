#!/usr/bin/env bash
# Runs a command in the guest: npm run vm -- <command>. See test/vm/README.md.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_guest_packages
want_kernel_packages
bash scripts/build.sh >&2
exec node dist/test/vm/run.js "$@"
