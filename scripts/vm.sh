#!/usr/bin/env bash
# Runs a command in the guest: npm run vm -- <command>. See test/vm/README.md.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
need_guest_packages
want_kernel_packages
# --for: a guest with the programs that README's table names.
case " $* " in
  *' --for '*)
    need_packages 'the programs of that guest' "${PROGRAM_PACKAGES[@]}"
    make_programs >&2
    ;;
esac
bash scripts/build.sh >&2
exec node dist/test/vm/run.js "$@"
