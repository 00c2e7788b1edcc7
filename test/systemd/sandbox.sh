# Sourced in the guest under systemd by containers.sh and flatpak.sh: the layer with podman and Flatpak, the Debian
# package with its daemon, a client that is to be put into a sandbox, alice's session, and the commands of docs/containers.md.
#   $1: the folder with layer.squashfs and dmabroker.deb
line() { echo "$1=$(cat | tr '\n' ' ' | sed 's/ *$//')"; }
example=/dmabroker/examples/c/build/dmabroker-example
sh test/vm/guest/add-layer.sh "$1/layer.squashfs"

# The guest's Node is npm's: what Debian's own would be called, so that dpkg has something to judge by.
mkdir -p /tmp/node/DEBIAN
printf 'Package: nodejs\nVersion: %s\nArchitecture: amd64\nMaintainer: guest <root@localhost>\nDescription: Node\n' \
  "$(node --version | tr -d v)" > /tmp/node/DEBIAN/control
dpkg-deb --build /tmp/node /tmp/node.deb > /dev/null
rm -f /usr/sbin/policy-rc.d
# The daemon starts sooner without a driver; udmabuf is a source of its own.
mkdir -p /run/systemd/system/dmabrokerd.service.d
printf '[Service]\nEnvironment=VK_DRIVER_FILES=/nonexistent\n' > /run/systemd/system/dmabrokerd.service.d/plain.conf
dpkg -i /tmp/node.deb "$1/dmabroker.deb" > /tmp/said 2>&1 || cat /tmp/said >&2
gid=$(getent group dmabroker | cut -d: -f3)

# A program with what it loads: all that an image, or a runtime, needs. $1: the folder
put_client() {
  mkdir -p "$1/bin" "$1/lib64" "$1/lib/x86_64-linux-gnu"
  cp "$example" /usr/bin/busybox "$1/bin/"
  for library in $(ldd "$example" | grep -o '/[^ ]*'); do
    cp "$library" "$1/lib64/"
    cp "$library" "$1/lib/x86_64-linux-gnu/"
  done
  for applet in sh id ls cat sleep sha256sum; do ln -s busybox "$1/bin/$applet"; done
}

# alice's own service manager. There is no login here: pam_systemd would set the variable.
start_session() {
  mkdir -p /etc/systemd/system/user@.service.d
  printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' > /etc/systemd/system/user@.service.d/guest.conf
  systemctl daemon-reload
  systemctl start user@1001 || journalctl -u user@1001 --no-pager >&2
}
as_alice() {
  runuser -u alice -- env HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1001 \
    DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1001/bus "$@"
}
# As a program of her desktop: a unit of hers.
in_session() { as_alice systemd-run --user --quiet --pipe --wait --collect --same-dir "$@"; }

# The command of docs/containers.md that has these words, for this image and program, and without sudo: this is root.
# $1: the words; $2: the program
recipe() {
  sed -n 's/^    //p' docs/containers.md | sed 's/ \{2,\}#.*//' | grep -F -e "$1" > /tmp/recipe
  if [ "$(wc -l < /tmp/recipe)" != 1 ]; then
    echo "not one command of docs/containers.md has '$1'" >&2
    exit 1
  fi
  cat /tmp/recipe >> /tmp/recipes
  command=$(sed 's/sudo //g; s/ *$//' /tmp/recipe)
  case $command in
    *'IMAGE PROGRAM'*) command="${command%%IMAGE PROGRAM*}localhost/client ${2:-}${command#*IMAGE PROGRAM}" ;;
  esac
  printf '%s\n' "$command"
}
# What a program has said last; alloc says what it has drawn, or why it may not.
last() { "$@" 2>&1 | tail -n 1; }
# Waits for a token, the last line that `alloc --share` prints to this file.
token() {
  for _ in $(seq 100); do
    ! grep -s -E '^[a-z2-7]{26}$' "$1" || return 0
    sleep 0.2
  done
  cat "$1" >&2
}
