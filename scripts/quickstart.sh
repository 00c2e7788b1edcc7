#!/usr/bin/env bash
# The main job, from a fresh clone: installs what is missing, builds, and lets two processes share
# one dma_buf; on this machine if it has an exporter, else in the guest.
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'building' "${BUILD_PACKAGES[@]}"
say 'building'
bash scripts/build.sh
make --silent -C examples/c

# What can be had here, as `dmabrokerd --probe` says; the reason is shown where it is not a dma_buf.
verdict=$(node bin/dmabrokerd.js --probe 2>/dev/null | node -e '
  const { sources } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const dmaBufs = sources.filter((source) => source.handle_type === "dma_buf" && source.name === "vulkan");
  if (dmaBufs.some((source) => source.usable)) console.log("host");
  else console.log(dmaBufs.map((source) => `${source.name}: ${source.reason}`).join("; "));
')
if [ "$verdict" = host ]; then
  say 'this machine exports dma_bufs: running here'
  exec node dist/examples/quickstart/main.js host
fi
say "no dma_buf from Vulkan on this machine ($verdict): running in the guest"
need_guest_packages
# The fast guest where it has been built already; building it would take longer than this.
exec node dist/test/vm/run.js --as-built node dist/examples/quickstart/main.js guest
