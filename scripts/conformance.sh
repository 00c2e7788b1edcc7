#!/usr/bin/env bash
# Holds client libraries against a daemon: npm run conformance -- <arguments>. See conformance/README.md.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'the drivers' "${BUILD_PACKAGES[@]}" python3
bash scripts/build.sh >&2
make --silent -C conformance/drivers/c >&2
make --silent -C conformance/drivers/libdmabroker >&2
exec node dist/conformance/main.js "$@"
