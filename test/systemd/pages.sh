#!/bin/bash
# Runs in the guest under systemd: what the documents tell an administrator to type, as it stands there, on a machine that
# has never had dmabroker. Prints what each said as `name=value` lines for pages.test.ts.
#   $1: the folder with old.deb, and commands/PAGE#ANCHOR.N, the blocks of the pages; $2: what npm has installed for /usr
set -eu
folder=$(realpath "$1")
prefix=$(realpath "$2")
line() { echo "$1=$(cat | tr '\n' ' ' | sed 's/ *$//')"; }

# What the pages take for granted: a checkout to build in, which the host has done; sudo, of whom this is root already.
npm() {
  if [ "$*" = 'run package:deb' ]; then
    mkdir -p build
    cp "$folder/old.deb" build/dmabroker_0.1.0_amd64.deb
  fi
}
sudo() { "$@"; }
# $1: the block; $2: as what its output is shown; $3: sed's script for what the reader is to fill in; $4: with which status
# the last line ends
run() {
  file=$folder/commands/$1
  [ -e "$file" ] || { echo "no page has $1" >&2; exit 1; }
  sed "${3:-}" "$file" > /tmp/block
  echo "ran=$1"
  # Each line of it must do what it says.
  status=0
  ( set -e; . /tmp/block ) > /tmp/said 2>&1 || status=$?
  [ "$status" = "${4:-0}" ] || { echo "$1 ended with $status: $(cat /tmp/said)" >&2; exit 1; }
  line "$2" < /tmp/said
}

# Debian's libuv uses io_uring, whose mappings User-Mode Linux takes for broken pages ("Bad page map"), and dies of.
echo 2 > /proc/sys/kernel/io_uring_disabled
# Debian's own Node, which is unpacked over the guest's: what dpkg has to know of it.
sh test/vm/guest/add-layer.sh "$folder/layer.squashfs"
mkdir -p /tmp/node/DEBIAN /tmp/work
printf 'Package: nodejs\nVersion: %s\nArchitecture: amd64\nMaintainer: guest <root@localhost>\nDescription: Node\n' \
  "$(/usr/bin/node --version | tr -d v)" > /tmp/node/DEBIAN/control
dpkg-deb --build /tmp/node /tmp/node.deb > /dev/null
dpkg -i /tmp/node.deb > /dev/null
groupdel dmabroker
groupdel dmabroker-admin
rm -f /usr/sbin/policy-rc.d
cd /tmp/work

run 'install.md#.1' installed
echo "node=$(/usr/bin/node --version) $(tr '\n' ' ' < "/proc/$(systemctl show -P MainPID dmabrokerd)/maps" | grep -o '[^ ]*libnode[^ ]*' | head -n 1)"
run 'install.md#.2' allowed
runuser -u alice -- env XDG_RUNTIME_DIR= /dmabroker/examples/c/build/dmabroker-example alloc 2>&1 | tail -n 1 | line alice
runuser -u bob -- dmabrokerctl list 2>&1 | line bob
run 'install.md#.3' changed
# It has run each kind of program, and takes twice as long as the guest's own, which runs them from here on.
mount --bind "$(realpath /usr/local/bin/node)" /usr/bin/node
run 'trouble.md#.1' doctor

run 'configuration.md#.1' devices
run 'configuration.md#the-pool.1' pool
run 'configuration.md#devices-placement-dry-runs.1' dry_run '' 1 # the second is refused, as the page says
run 'quotas.md#.1' quota
run 'quotas.md#.2' quota_group
run 'quotas.md#setting.1' quota_setting
id=$(dmabrokerctl --json alloc --size 4096 --handle-type memfd | node -p 'JSON.parse(fs.readFileSync(0)).buffer.id')
run 'trouble.md#a-lost-device.1' lost "s/ ID / $id /"
run 'trouble.md#udmabuf.1' udmabuf
line udmabuf_limit < /sys/module/udmabuf/parameters/size_limit_mb

# It starts sooner without a driver: the pages that show devices are done.
mkdir -p /run/systemd/system/dmabrokerd.service.d
printf '[Service]\nEnvironment=VK_DRIVER_FILES=/nonexistent\n' > /run/systemd/system/dmabrokerd.service.d/plain.conf
systemctl daemon-reload
run 'restart.md#what-you-do.1' kept
run 'restart.md#what-you-do.2' stored
run 'restart.md#what-you-do.3' cleaned
systemctl start dmabrokerd-rest.socket dmabrokerd.socket
dmabrokerctl list 2>&1 | line given_up

# REST over TCP: the unit as it is has no network.
run 'configuration.md#rest-over-tcp.1' token
head -n 1 made > token
cat "$folder/commands/tcp.toml" >> /etc/dmabroker/dmabroker.toml
systemctl restart dmabrokerd 2> /dev/null || true
echo "closed=$(systemctl show -P Result dmabrokerd) $(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:7070/healthz || true)"
# It would be tried again and again.
systemctl stop dmabrokerd 2> /dev/null
mkdir -p /etc/systemd/system/dmabrokerd.service.d
cp "$folder/commands/tcp.conf" /etc/systemd/system/dmabrokerd.service.d/override.conf
systemctl daemon-reload
systemctl reset-failed dmabrokerd || true
dmabrokerctl restart 2>&1 | line restarted
run 'cli.md#which-daemon.1' listed
tcp() { curl -s -o /dev/null -w '%{http_code}' "$@" http://127.0.0.1:7070/v1/buffers; }
echo "tcp=$(tcp -H "Authorization: Bearer $(cat token)")"
echo "tcp_stranger=$(tcp || true)"
echo "tcp_exposure=$(systemd-analyze security dmabrokerd --no-pager | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')"
run 'metrics.md#.1' metrics
useradd --system prometheus
mkdir -p /etc/prometheus
run 'metrics.md#prometheus-alerts-a-dashboard.1' prometheus
echo "prometheus_token=$(tcp -H "Authorization: Bearer $(cat /etc/prometheus/dmabroker.token)")"

# From source: npm's package, where nothing of the other is left.
dpkg -P dmabroker > /dev/null 2>&1
rm -rf /etc/systemd/system/dmabrokerd.service.d /etc/dmabroker
npm() { if [ "$1" = install ]; then cp -a "$prefix/." /usr/; fi; }
run 'install.md#from-source.1' from_source
echo "source_active=$(systemctl is-active dmabrokerd)"
dmabrokerctl doctor 2>&1 | line source_doctor
# There is no login here: pam_systemd would set the variable.
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' > /etc/systemd/system/user@.service.d/guest.conf
systemctl daemon-reload
systemctl start user@1003
own() { runuser -u carol -- env XDG_RUNTIME_DIR=/run/user/1003 DBUS_SESSION_BUS_ADDRESS= "$@"; }
echo 'ran=install.md#for-one-user.1'
own sh -e < "$folder/commands/install.md#for-one-user.1" > /tmp/said 2>&1 || cat /tmp/said >&2
echo "own=$(own systemctl --user is-active dmabrokerd || true)"
