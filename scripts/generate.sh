#!/usr/bin/env bash
# Writes everything that is generated from a definition: the protocol's tables, Vulkan's layouts,
# docs/{errors,formats,settings}.md, README's table of users, the man pages, the configuration file. `--check` compares instead. npm run generate [-- --check]
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'generating' "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
bash scripts/build.sh
for script in dist/scripts/generate-*.js; do node "$script" "$@"; done
