#!/bin/sh
# Runs in the guest under systemd: installs the units as docs/install.md says and uses the service
# as three users would. Prints what it saw as `name=value` lines for service.test.ts.
#   $1: up: it is installed, starts and serves; down: it stops; all: both, and between them who its clients are, and how it is kept
#   alive
set -eu
conf=/etc/dmabroker/dmabroker.toml
show() { systemctl show -P "$1" dmabrokerd; }
state() { systemctl is-active dmabrokerd dmabrokerd.socket dmabrokerd-rest.socket | tr '\n' ' '; }
health() { curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/healthz; }
as() { runuser -u "$1" -- /dmabroker/examples/c/build/dmabroker-example alloc 2>&1 | tail -n 1; }
logged() { journalctl -u dmabrokerd -o cat --no-pager | grep -c "$1" || true; }
drop_in() { cat > "/etc/systemd/system/dmabrokerd.service.d/$1.conf"; systemctl daemon-reload; }

up() {
cp systemd/dmabroker.sysusers.conf /usr/lib/sysusers.d/dmabroker.conf
cp systemd/dmabrokerd.service systemd/dmabrokerd*.socket /usr/lib/systemd/system/
systemd-sysusers
# So that it gets at DMA heaps.
cp systemd/60-dmabroker.rules /usr/lib/udev/rules.d/
udevadm control --reload
udevadm trigger --settle --subsystem-match=dma_heap
install -D /dev/null $conf
mkdir -p /etc/systemd/system/dmabrokerd.service.d
# The package is not installed here, but shared from the host.
program="$(command -v node) /dmabroker/bin/dmabrokerd.js"
printf '[Service]\nExecStart=\nExecStart=%s --config %s\nExecReload=\nExecReload=%s --check --config %s\nTimeoutStartSec=300\n' \
  "$program" $conf "$program" $conf > /etc/systemd/system/dmabrokerd.service.d/test.conf
# Where every instruction is emulated, beside other work, it may be a minute until the daemon answers.
if [ "$1" = up ]; then echo WatchdogSec=600 >> /etc/systemd/system/dmabrokerd.service.d/test.conf; fi
sed -n '/^ExecReload=.*HUP/p' systemd/dmabrokerd.service >> /etc/systemd/system/dmabrokerd.service.d/test.conf
systemctl daemon-reload
systemctl start dmabrokerd || { journalctl -u dmabrokerd --no-pager >&2; exit 1; }

echo "active=$(state)"
echo "user=$(ps -o user= -p "$(show MainPID)")"
echo "folder=$(stat -c '%a %U:%G' /run/dmabroker)"
echo "socket=$(stat -c '%a %U:%G' /run/dmabroker/client.sock)"
echo "rest=$(stat -c '%a %U:%G' /run/dmabroker/rest.sock)"
echo "own=$(runuser -u alice -- curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/v1/buffers)"
echo "health=$(health)"
echo "alice=$(as alice)"
echo "carol=$(as carol)"
}

# The device that the daemon finds as a card: none of DRM's (226), unless it is shown them.
card() { nsenter --target "$(show MainPID)" --mount stat -c %t /dev/dri/card0; }

clients() {
echo "card=$(card)"
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

reloads() {
echo "store=$(show FileDescriptorStoreMax) $(show FileDescriptorStorePreserve) $(logged 'no service manager keeps')"
echo "serves=$(show StatusText)"
printf '[log]\nlevel = "debug"\n' > $conf
systemctl reload dmabrokerd && echo "reloaded=$(systemctl is-active dmabrokerd) $(show StatusText)"
echo "reload_took=$(curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/v1/config | grep -o '"key":"log.level","value":"[a-z]*"')"
sed -i s/debug/loud/ $conf
systemctl reload dmabrokerd 2> /dev/null && echo refused=no || echo "refused=$(systemctl is-active dmabrokerd) $(show StatusText)"
}

activation() {
# It starts sooner without a driver: from here on.
printf '[Service]\nEnvironment=VK_DRIVER_FILES=/nonexistent\n' | drop_in plain
# By who asks REST; clients' socket is narrower from then on.
inode=$(stat -c %i /run/dmabroker/client.sock)
systemctl stop dmabrokerd 2> /dev/null
echo "stopped=$(state)$(ls /run/dmabroker | wc -l)"
printf '[clients]\nmode = "0600"\n' > $conf
echo "woken=$(health | grep -o '"status":"ok"') $(state)"
echo "narrow=$(stat -c '%a %U:%G' /run/dmabroker/client.sock) $(logged 'had mode 666 until now')"
: > $conf
systemctl restart dmabrokerd
echo "wide=$(stat -c '%a %U:%G' /run/dmabroker/client.sock)"
[ "$inode" = "$(stat -c %i /run/dmabroker/client.sock)" ] && echo same_file=yes
# By a client, and another one comes while it is being started.
printf '[Service]\nExecStartPre=/bin/sleep 2\nInaccessiblePaths=\n' | drop_in slow
systemctl stop dmabrokerd 2> /dev/null
as alice > /tmp/woken &
client=$!
for _ in $(seq 200); do [ "$(show SubState)" != start-pre ] || break; sleep 0.05; done
echo "waited=$(show SubState) $(as alice) $(systemctl is-active dmabrokerd)"
wait $client
echo "woken_by_client=$(cat /tmp/woken) $(state)"
echo "card_shown=$(card)"
rm /etc/systemd/system/dmabrokerd.service.d/slow.conf
}

# Waits for another process than $1.
another() {
  for _ in $(seq 200); do
    case $(show MainPID) in 0 | "$1") sleep 0.1 ;; *) break ;; esac
  done
  health | grep -o '"status":"ok"'
}
alive() {
printf '[Service]\nWatchdogSec=6\n' | drop_in watchdog
systemctl reset-failed dmabrokerd
systemctl restart dmabrokerd
pid=$(show MainPID)
sleep 4
[ "$pid" = "$(show MainPID)" ] && echo "dog_quiet=$(logged 'does not answer\|no answer within')"
node dist/test/support/programs/stop-thread.js "$pid" dmab-plane &
echo "dog=$(another "$pid") $(show NRestarts)"
wait
echo "dog_said=$(logged 'no answer within 3 s from the thread of: the clients; after 6 s') $(logged 'Watchdog timeout') $(logged 'core-dump')"
rm /etc/systemd/system/dmabrokerd.service.d/watchdog.conf
systemctl daemon-reload
# By SIGKILL it ends in restart.test.ts.
pid=$(show MainPID)
kill -s TERM "$pid"
echo "after_TERM=$(another "$pid") $(show NRestarts)"
# One that always dies.
printf "[Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/sh -c 'kill -KILL \$\$\$\$'\n" | drop_in zloop
systemctl reset-failed dmabrokerd
systemctl restart --no-block dmabrokerd
for _ in $(seq 300); do [ "$(systemctl is-active dmabrokerd.socket)" != failed ] || break; sleep 0.1; done
echo "loop=$(systemctl show -P Result dmabrokerd.socket) $(state)$(logged 'repeated too quickly')"
rm /etc/systemd/system/dmabrokerd.service.d/zloop.conf
# And with its socket elsewhere.
mkdir -p /etc/systemd/system/dmabrokerd.socket.d
printf '[Socket]\nListenStream=\nListenStream=/run/dmabroker/other.sock\n' > /etc/systemd/system/dmabrokerd.socket.d/test.conf
printf '[clients]\nsocket = "/run/dmabroker/other.sock"\n' > $conf
systemctl daemon-reload
systemctl reset-failed dmabrokerd
systemctl start dmabrokerd
echo "mended=$(DMABROKER_SOCKET=/run/dmabroker/other.sock as alice) $(state)$(logged 'nobody answers at')"
}

down() {
systemctl stop dmabrokerd 2> /dev/null
echo "result=$(show Result) $(show ExecMainStatus)"
systemctl stop 'dmabrokerd*'
echo "left=$(ls /run/dmabroker 2>/dev/null | wc -l)"
}
case $1 in
  up) up "$1" ;;
  down) down ;;
  all) up "$1"; clients; reloads; activation; alive; down ;;
esac
