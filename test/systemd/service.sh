#!/bin/sh
# Runs in the guest under systemd: installs the unit as docs/install.md says and uses the service
# as three users would. Prints what it saw as `name=value` lines for service.test.ts.
#   $1: smoke: that it starts, serves and stops; all: who its clients are, too
set -eu
cp systemd/dmabroker.sysusers.conf /usr/lib/sysusers.d/dmabroker.conf
cp systemd/dmabrokerd.service /usr/lib/systemd/system/
systemd-sysusers
install -D /dev/null /etc/dmabroker/dmabroker.toml
mkdir -p /etc/systemd/system/dmabrokerd.service.d
# The package is not installed here, but shared from the host.
printf '[Service]\nExecStart=\nExecStart=%s %s --config /etc/dmabroker/dmabroker.toml\nTimeoutStartSec=300\n' \
  "$(command -v node)" /dmabroker/bin/dmabrokerd.js \
  > /etc/systemd/system/dmabrokerd.service.d/test.conf
systemctl daemon-reload
systemctl start dmabrokerd || { journalctl -u dmabrokerd --no-pager >&2; exit 1; }

echo "active=$(systemctl is-active dmabrokerd)"
echo "user=$(ps -o user= -p "$(systemctl show -P MainPID dmabrokerd)")"
echo "folder=$(stat -c '%a %U:%G' /run/dmabroker)"
echo "socket=$(stat -c '%a %U:%G' /run/dmabroker/client.sock)"
echo "rest=$(stat -c '%a %U:%G' /run/dmabroker/rest.sock)"
echo "own=$(runuser -u alice -- curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/v1/buffers)"
echo "health=$(curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/healthz)"
as() { runuser -u "$1" -- /dmabroker/examples/c/build/dmabroker-example alloc 2>&1 | tail -n 1; }
echo "alice=$(as alice)"
echo "carol=$(as carol)"
all() {
# A client in a unit of its own, connected and over REST.
systemd-run --quiet --unit=holder --uid=alice --slice=tests.slice \
  node -e "require('node:net').connect('/run/dmabroker/client.sock').resume()"
rest() { curl -s --unix-socket /run/dmabroker/rest.sock "http://localhost$1"; }
for _ in $(seq 60); do
  [ "$(rest /v1/clients)" = '[]' ] || break
  sleep 1
done
echo "client=$(rest /v1/clients)"
# REST is for administrators (docs/policy.md).
usermod -aG dmabroker-admin bob
echo "made=$(systemd-run --quiet --pipe --wait --unit=maker --uid=bob \
  curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/v1/buffers \
  --json '{"kind":"buffer","size":4096}')"
systemctl stop holder

echo "exposure=$(systemd-analyze security dmabrokerd --no-pager | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')"
}
if [ "$1" = all ]; then all; fi

systemctl stop dmabrokerd
echo "result=$(systemctl show -P Result dmabrokerd) $(systemctl show -P ExecMainStatus dmabrokerd)"
echo "left=$(ls /run/dmabroker 2>/dev/null | wc -l)"
