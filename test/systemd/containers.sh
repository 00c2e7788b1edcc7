#!/bin/sh
# Runs in the guest under systemd: the commands of docs/containers.md for podman. Prints what it saw as `name=value`
# lines for containers.test.ts.
#   $1: the folder with layer.squashfs and dmabroker.deb
#   $2: gate: containers of root's, and without root; all: a service, and a daemon of alice's own, too
set -eu
. test/systemd/sandbox.sh
root() { sh -c "$1"; }
alice() { in_session sh -c "$1"; }
client='dmabroker-example alloc'
sharing="sh -c 'sleep 600 | dmabroker-example --share alloc'"
# Without Node, which takes ten times as long to start.
rest() { curl -s --unix-socket /run/dmabroker/rest.sock "http://localhost$1"; }
live() { rest '/v1/buffers?state=live&fields=id' | grep -o '"id":"[a-z0-9]*"' | cut -d'"' -f4; }

# podman keeps images in an overlay, which cannot lie over another. There is no network in the guest.
mkdir -p /var/lib/containers ~alice/.local/share/containers /etc/containers/containers.conf.d
mount -t tmpfs containers /var/lib/containers
mount -t tmpfs containers ~alice/.local/share/containers
chown -R alice: ~alice/.local
printf '[containers]\nnetns = "none"\n' > /etc/containers/containers.conf.d/guest.conf
put_client /tmp/image
printf 'FROM scratch\nCOPY . /\n' > /tmp/Containerfile
podman build --quiet --tag client --file /tmp/Containerfile /tmp/image > /dev/null
echo "gid=$gid"

# As root: one that stays, with the folder, and one that has the socket's file.
as_root='podman run --user 1001'
root "$(recipe "$as_root" "$sharing" | sed 's/run /run --name one /')" > /tmp/one 2>&1 &
token=$(token /tmp/one)
echo "one=$(rest /v1/clients)"
echo "one_id=$(podman inspect -f '{{.Id}}' one)"
id=$(live)
runuser -u alice -- $example redeem "$token" 2> /dev/null | sha256sum | line outward
echo "holders=$(rest "/v1/buffers/$id/holders")"
echo "ps=$(rest /v1/processes)"
sleep 600 | runuser -u alice -- $example --share alloc > /tmp/outside 2>&1 &
root "$(recipe "$as_root" "dmabroker-example redeem $(token /tmp/outside)")" 2> /dev/null | sha256sum | line inward
podman run --detach --name file --user "1001:$gid" -v /run/dmabroker/client.sock:/run/dmabroker/client.sock localhost/client sleep 600 > /dev/null
echo "file=$(last podman exec file $client)"
systemctl restart dmabrokerd
echo "file_kept=$(last podman exec file $client)"
systemctl stop 'dmabrokerd*'
systemctl start dmabrokerd.socket dmabrokerd-rest.socket dmabrokerd
echo "file_restarted=$(last podman exec file $client)"
echo "one_restarted=$(last podman exec one $client)"
podman rm --force --time 0 file one > /dev/null
echo "root=$(podman run -v /usr:/usr:ro -v /run/dmabroker:/run/dmabroker:ro localhost/client \
  /usr/bin/curl -s --unix-socket /run/dmabroker/rest.sock http://localhost/v1/whoami)"
for file in /etc/subuid /etc/subgid; do grep -o 'containers:400000:1000000' docs/containers.md >> $file; done
recipe 'gid=' > /tmp/gid
echo "auto=$(last root "$(cat /tmp/gid); $(recipe 'podman run --userns=auto' "sh -c 'id -u; $client'")")"

# Without root.
start_session
podman save --quiet --output /tmp/client.tar localhost/client 2> /dev/null
chmod 644 /tmp/client.tar
in_session podman load --quiet --input /tmp/client.tar > /dev/null
kept=$(recipe 'podman run --group-add keep-groups -v' "$client")
echo "kept=$(last alice "$kept")"
echo "plain=$(last alice "$(echo "$kept" | sed 's/--group-add keep-groups//; s/alloc$/alloc 2>\&1 | head -n 1/')")"
echo "keep_id=$(last alice "$(echo "$kept" | sed 's/run /run --userns=keep-id /')")"
alice "$(recipe 'podman run --group-add keep-groups --device' "$sharing" | sed 's/run /run --user 5 --name five /')" > /tmp/five 2>&1 &
token /tmp/five > /tmp/token
echo "five=$(rest /v1/clients)"
echo "five_id=$(in_session podman inspect -f '{{.Id}}' five)"
echo "five_charged=$(rest /v1/users)"
id=$(live)
echo "five_held=$(rest "/v1/buffers/$id/holders")"
in_session podman rm --force --time 0 five > /dev/null

all() {
  # As a service.
  sed -n '/^```ini$/,/^```$/p' docs/containers.md | sed '/^```/d' |
    sed "s#IMAGE#localhost/client#; s#PROGRAM#$sharing#; s#GID#$gid#" > /etc/containers/systemd/client.container
  root "$(recipe 'daemon-reload')"
  root "$(recipe 'start client')"
  for _ in $(seq 50); do
    [ "$(dmabrokerctl clients -q)" = '' ] || break
    sleep 0.2
  done
  echo "service=$(rest /v1/clients)"
  echo "service_id=$(podman ps --quiet --no-trunc)"
  recipe '--json clients' > /tmp/command
  echo "service_listed=$(root "$(cat /tmp/command)" | grep -c libpod-payload)"
  recipe 'dmabrokerctl cgroups' > /tmp/command
  echo "service_cgroup=$(root "$(cat /tmp/command)" | grep -c '^/system.slice/client.service ')"
  systemctl stop client
  root "$(recipe 'quota set')" > /dev/null
  dmabrokerctl quota set cgroup//system.slice/client.service --bytes 1M > /dev/null
  systemctl start client || true
  for _ in $(seq 50); do
    journalctl -u client -o cat --no-pager | grep -o 'the cgroup [^ ]* may have [0-9]*' > /tmp/limit || true
    [ ! -s /tmp/limit ] || break
    sleep 0.2
  done
  line service_limit < /tmp/limit
  dmabrokerctl quota set 'cgroup//machine.slice/*' --bytes 1M > /dev/null
  echo "pattern=$(root "$(recipe "$as_root" "$client")" 2>&1 | grep -o 'the cgroup [^ ]* may have [0-9]*')"

  # A daemon of alice's own. It may not export dma_bufs in the guest.
  as_alice systemctl --user start dmabrokerd
  own=$(recipe 'podman run -v $XDG' "sh -c 'sleep 600 | dmabroker-example --handle-type memfd --share alloc'")
  alice "$own" > /tmp/own 2>&1 &
  token /tmp/own > /tmp/token
  echo "own=$(as_alice dmabrokerctl --json clients | node -p 'JSON.parse(fs.readFileSync(0))[0].uid')"
  as_alice dmabrokerctl --json ps | node -p 'JSON.parse(fs.readFileSync(0)).processes[0].container.length' | line own_ps
}
if [ "$2" = all ]; then all; fi
sort -u /tmp/recipes | sed 's/^/recipe=/'
