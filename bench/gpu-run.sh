#!/bin/sh
# Runs the benchmarks where bench/gpu.sh's archive was unpacked, with the Node and the Vulkan loader that came along, if
# they did: sh bench/gpu-run.sh --machine=h200 --json=out [NAME...]. A program of bench/ by its name:
# sh bench/gpu-run.sh hardware
set -eu
here=$(dirname "$0")/..
case "${1:-}" in
  hardware | cuda-hardware | gpu-restart) program=$1 && shift ;;
  *) program=main ;;
esac
here=$(cd "$here" && pwd)
if [ -x "$here/node" ]; then PATH=$here:$PATH; fi
for folder in "$here"/loader/usr/lib/*-linux-gnu; do
  if [ -d "$folder" ]; then LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
done
export PATH LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
exec node "$here/dist/bench/$program.js" "$@"
