#!/bin/sh
# Runs the benchmarks where bench/gpu.sh's archive was unpacked, with the Node and the Vulkan loader that came along, if
# they did: sh bench/gpu-run.sh --machine=h200 --json=out [NAME...]. A program of bench/ by its name:
# sh bench/gpu-run.sh hardware; examples/tensors, with a daemon of its own, and the python3 that there is:
# sh bench/gpu-run.sh tensors --source cuda --megabytes 4096
set -eu
here=$(dirname "$0")/..
case "${1:-}" in
  hardware | cuda-hardware | gpu-restart | tensors) program=$1 && shift ;;
  *) program=main ;;
esac
here=$(cd "$here" && pwd)
if [ -x "$here/node" ]; then PATH=$here:$PATH; fi
for folder in "$here"/loader/usr/lib/*-linux-gnu; do
  if [ -d "$folder" ]; then LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
done
export PATH LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
if [ "$program" = tensors ]; then
  folder=$(mktemp -d)
  export DMABROKER_SOCKET="$folder/c" DMABROKER_REST_SOCKET="$folder/r" PYTHONPATH="$here/clients/python/src"
  node "$here/bin/dmabrokerd.js" --socket "$folder/c" --rest-socket "$folder/r" --state-dir "$folder" >"$folder/log" 2>&1 &
  trap 'kill $!; wait; rm -rf "$folder"' EXIT
  for _ in $(seq 100); do [ -S "$folder/r" ] || sleep 0.1; done
  python3 "$here/examples/tensors/tensors.py" "$@" || { tail -n 5 "$folder/log"; exit 1; }
  exit
fi
exec node "$here/dist/bench/$program.js" "$@"
