#!/bin/sh
# Runs benchmarks where bench/gpu.sh's archive was unpacked: with the Node and the Vulkan loader that
# came along, if they did. sh bench/gpu-run.sh [gpu roundtrip allocate rest-load]
set -eu
cd "$(dirname "$0")/.."
if [ -x node ]; then PATH=$PWD:$PATH; fi
for folder in loader/usr/lib/*-linux-gnu; do
  if [ -d "$folder" ]; then LD_LIBRARY_PATH=$PWD/$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
done
export PATH LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
for name in "${@:-gpu}"; do
  node "dist/bench/$name.js"
done
