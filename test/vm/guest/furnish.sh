#!/bin/sh
# Why: in the guest, makes the machine that README's table and its pages take for granted: the packages of a row, our programs
# and libraries where `make install` and the Debian package put them, and a daemon that runs. Then it becomes the command.
# $1: the layer's file, or nothing. $2: that of the mapping display's module, or nothing. The rest: the command
set -eu
layer=$1
module=$2
shift 2
vm=test/vm/guest
[ -z "$layer" ] || sh "$vm/add-layer.sh" "$layer"
if [ -n "$module" ]; then
  for output in /sys/class/drm/card*-Virtual-1; do card=${output##*/}; done
  insmod "$module" "path=/dev/dri/${card%%-*}"
fi

bin=/usr/local/bin
for program in dmabrokerd dmabrokerctl dmabroker-unixfd; do ln -s "$PWD/bin/$program.js" "$bin/$program"; done
for program in examples/*/build/dmabroker-*; do [ ! -x "$program" ] || ln -s "$PWD/$program" "$bin/"; done
# As clients/heaps and clients/gbm have it.
install -D -m 644 -t /usr/local/lib clients/heaps/build/libdmabroker-heaps.so
install -D -m 644 -t /usr/lib/x86_64-linux-gnu/gbm clients/gbm/build/dmabroker_gbm.so
# What the pages type beside that: root is who types here, and what they make was made outside. Where there is a compiler
# (FFmpeg's own libraries), it makes.
ln -s "$PWD/$vm/sudo.sh" "$bin/sudo"
if command -v make >/dev/null; then
  export CC=tcc
else
  ln -s "$PWD/$vm/make.sh" "$bin/make"
fi

# As the package's socket units do: it starts with the first who connects. Who waits for its start waits for it alone.
# No child of the command's: script(1) does not end while it has one.
run=/run/dmabroker
(
  setsid env -u XDG_RUNTIME_DIR systemd-socket-activate --listen="$run/client.sock" --listen="$run/rest.sock" \
    dmabrokerd </dev/null >/var/log/dmabrokerd.log 2>&1 &
)
until [ -S "$run/rest.sock" ]; do sleep 0.01; done
chown root:dmabroker-admin "$run/rest.sock"
chmod 660 "$run/rest.sock"
chmod 666 "$run/client.sock"
exec "$@"
