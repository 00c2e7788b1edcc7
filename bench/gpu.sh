#!/usr/bin/env bash
# Packs what the benchmarks need to run on a machine that has only a GPU's driver, and perhaps
# neither Node, a compiler nor the Vulkan loader: bench/gpu.sh <archive.tar.xz> [<node> [<package.deb>…]].
# There: tar -xf, then sh bench/gpu-run.sh, whose arguments are those of npm run bench.
# NVIDIA's driver without a desktop wants libvulkan1, libglvnd0, libegl1, libgl1 and libglx0.
set -euo pipefail
cd "$(dirname "$0")/.."
archive=${1:?usage: bench/gpu.sh <archive.tar.xz> [<node> [<package.deb>…]]}
folder=$(mktemp -d)
# Other users run programs of it.
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT

bash scripts/build.sh
bash bench/bundle-profile.sh
# Compiled here, so that there need be no compiler.
node dist/bench/support/compile.js
# -L: node_modules may be a link; -p: the programs must stay younger than their sources.
cp -Lpr --parents bin bench build/bench/load build/bench/crowd build/bench/meet build/bench/reference build/bench/cuda-memory dist/bench dist/src dist/bundle \
  dist/bundle-profile dist/native dist/test/support dist/test/vm package.json openapi.yaml protocol \
  clients/python/src examples/tensors node_modules/ffi-rs node_modules/@yuuang "$folder"
# There is no git; what is measured is said all the same.
git diff --quiet HEAD -- src bench && dirty='' || dirty=+
echo "$(git rev-parse --short HEAD)$dirty" >"$folder/build/bench/commit"
# autocannon with all that it needs, in one file.
node_modules/.bin/esbuild --bundle --platform=node --format=esm --target=node20 --log-level=error \
  --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" \
  --allow-overwrite --outfile="$folder/dist/bench/support/flood.js" dist/bench/support/flood.js
find "$folder" \( -name '*.map' -o -name '*.d.ts' \) -delete
if [ -n "${2:-}" ]; then
  cp "$2" "$folder/node"
  strip "$folder/node"
fi
for package in "${@:3}"; do dpkg -x "$package" "$folder/loader"; done
tar -C "$folder" -cf - . | xz -T0 -3 >"$archive"
ls -l "$archive"
