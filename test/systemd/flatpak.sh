#!/bin/sh
# Runs in the guest under systemd: the commands of docs/containers.md for Flatpak, with a runtime and an application made
# here. Prints what it saw as `name=value` lines for flatpak.test.ts.
#   $1: the folder with layer.squashfs and dmabroker.deb
set -eu
. test/systemd/sandbox.sh
app=org.example.Client
start_session
# What the package's script does, which is not run here: the machine's own installation.
flatpak remotes --system
mkdir -p /tmp/flatpak/runtime/files /tmp/flatpak/application/files/bin
cp "$example" /tmp/flatpak/application/files/bin/
cd /tmp/flatpak
put_client runtime/usr
rm runtime/usr/bin/dmabroker-example
mkdir runtime/usr/etc
# Flatpak runs it in each new sandbox.
cp /usr/sbin/ldconfig runtime/usr/bin/
printf '[Runtime]\nname=org.example.Platform\nruntime=org.example.Platform/x86_64/1\nsdk=org.example.Platform/x86_64/1\n' > runtime/metadata
printf "[Application]\nname=$app\nruntime=org.example.Platform/x86_64/1\nsdk=org.example.Platform/x86_64/1\n" > application/metadata
cp -r application plain
chown -R alice: /tmp/flatpak
make_app() { # $1: its folder
  in_session flatpak build-export repository "$1" 1 > /tmp/said 2>&1 || cat /tmp/said >&2
}
run_app() { in_session flatpak run "$@"; }
command() { (cd /dmabroker && recipe "$@"); }

make_app runtime
in_session flatpak --user remote-add --no-gpg-verify local repository
in_session flatpak --user install -y --noninteractive local org.example.Platform > /dev/null
in_session flatpak build-finish plain --command=dmabroker-example > /dev/null 2>&1
make_app plain
in_session flatpak --user install -y --noninteractive local $app > /dev/null
echo "without=$(last run_app $app alloc)"
in_session sh -c "$(command 'flatpak override' '' | sed "s/APP$/$app/")"
echo "override=$(last run_app $app alloc)"
in_session flatpak override --user --reset $app
in_session sh -c "$(command 'flatpak build-finish' '' | sed 's/DIR/application/') --command=dmabroker-example" > /dev/null 2>&1
make_app application
in_session flatpak --user update -y --noninteractive $app > /dev/null
echo "finished=$(last run_app $app alloc)"

run_app --command=sh $app -c 'sleep 600 | dmabroker-example --share alloc' > /tmp/inside 2>&1 &
token=$(token /tmp/inside)
dmabrokerctl --json clients | node -p 'const [{ uid, groups, unit, slice, container, executable }] = JSON.parse(fs.readFileSync(0));
  JSON.stringify({ uid, groups, unit, slice, container, executable })' | line seen
echo "group=$gid"
dmabrokerctl --json holders "$(dmabrokerctl list -q)" | node -p 'const { complete, holders } = JSON.parse(fs.readFileSync(0));
  JSON.stringify({ complete, units: holders.map(({ unit }) => unit) })' | line holders
runuser -u alice -- $example redeem "$token" 2> /dev/null | sha256sum | line outward
sleep 600 | runuser -u alice -- $example --share alloc > /tmp/outside 2>&1 &
run_app $app redeem "$(token /tmp/outside)" 2> /dev/null | sha256sum | line inward
in_session flatpak kill $app
dmabrokerctl quota set "cgroup//user.slice/user-1001.slice/user@1001.service/app.slice/app-flatpak-$app-*.scope" --bytes 1M > /dev/null
echo "limit=$(run_app $app alloc 2>&1 | grep -o 'the cgroup [^ ]* may have [0-9]*')"

# The user's own daemon comes before the machine's. It may not export dma_bufs in the guest.
as_alice systemctl --user start dmabrokerd
run_app --command=sh $app -c 'sleep 600 | dmabroker-example --handle-type memfd --share alloc' > /tmp/own 2>&1 &
token /tmp/own > /tmp/token
as_alice dmabrokerctl --json ps | node -p 'JSON.parse(fs.readFileSync(0)).processes[0].unit' | line own
sort -u /tmp/recipes | sed 's/^/recipe=/'
