#!/usr/bin/env bash
# The daemon with a shim that AddressSanitizer and UndefinedBehaviorSanitizer watch, for the fuzzers
# (test/fuzz): a folder of its own, since a daemon loads the shim that lies beside its bundle and nobody can
# tell it to load another. Exits with 4 where the compiler has no sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."

cc=${CC:-cc}
case $("$cc" -print-file-name=libasan.so) in /*) ;; *) exit 4 ;; esac

# build.sh looks for compiled files whose source is gone, but not in folders that are called bundle*.
folder=dist/bundle-sanitized
native=$folder/dist/native/linux-$(node -p process.arch)
mkdir -p "$native" $folder/bin
# Two test files may want it at the same time.
exec 9>$folder/.lock
flock 9
stamp=$folder/.built
if [ -e $stamp ] && [ -z "$(find src/native/shim dist/bundle bin scripts/build-sanitized.sh -newer $stamp -print -quit)" ]; then
  exit
fi
touch $stamp.new
"$cc" -std=gnu11 -O1 -g -fPIC -shared -fvisibility=hidden -fno-omit-frame-pointer \
  -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wall -Wextra -Werror \
  -o "$native/dmabroker.so.new" -isystem node_modules/node-api-headers/include src/native/shim/*.c -lpthread -ldl
mv "$native/dmabroker.so.new" "$native/dmabroker.so"
rm -rf $folder/dist/bundle
cp -r dist/bundle $folder/dist/bundle
cp bin/dmabrokerd.js $folder/bin/
mv $stamp.new $stamp
