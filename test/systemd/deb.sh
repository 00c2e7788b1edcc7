#!/bin/sh
# Runs in the guest under systemd: what an administrator does with the Debian package, from installing to purging,
# and what users get. Prints what it saw as `name=value` lines for deb.test.ts.
#   $1: the folder with old.deb and new.deb, a second version
set -eu
debs=$1
conf=/etc/dmabroker/dmabroker.toml
line() { echo "$1=$(cat | tr '\n' ' ' | sed 's/ *$//')"; }
as() { who=$1; shift; runuser -u "$who" -- "$@" 2>&1 | tail -n 1; }
alloc() { as "$1" env XDG_RUNTIME_DIR= /dmabroker/examples/c/build/dmabroker-example alloc; }
state() { systemctl is-active dmabrokerd || true; }
pid() { systemctl show -P MainPID dmabrokerd; }
# Whoever asks again and again does it without Node, which takes ten times as long to start.
rest() { path=$1; shift; curl -s --unix-socket /run/dmabroker/rest.sock "$@" "http://localhost$path"; }
release() { rest "/v1/buffers/$1" -X DELETE; }
# What a package may leave behind: files, users, groups, who owns devices.
machine() {
  find /etc /usr /var /run/dmabroker -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '/var/cache/*' \
    ! -path '/etc/.pwd.lock' ! -path '/etc/*-' ! -path '/var/lib/systemd/*' ! -path '/var/tmp*' \
    \( ! -type d -o ! -empty -o -name '*dmabroker*' \) 2> /dev/null | sort
  sort /etc/passwd /etc/group /etc/shadow /etc/gshadow
  find /var/lib/systemd -name '*dmabroker*'
  stat -c '%n %A %u %g' /dev/dma_heap/* /dev/udmabuf
  find /run -maxdepth 1 -name '*dmabroker*'
}

# The guest's Node is npm's. What Debian's own would be called, so that dpkg has something to judge by.
mkdir -p /tmp/node/DEBIAN
printf 'Package: nodejs\nVersion: %s\nArchitecture: amd64\nMaintainer: guest <root@localhost>\nDescription: Node\n' \
  "$(node --version | tr -d v)" > /tmp/node/DEBIAN/control
dpkg-deb --build /tmp/node /tmp/node.deb > /dev/null
# The image has the groups for other tests; this is about a machine that has never had them.
groupdel dmabroker
groupdel dmabroker-admin
# Exit status 101 would forbid starting services while packages are installed, as in a container.
rm -f /usr/sbin/policy-rc.d
machine > /tmp/before

echo "installed=$(dpkg -i /tmp/node.deb "$debs/old.deb" > /tmp/said 2>&1 && echo yes || cat /tmp/said)"
echo "active=$(state) $(systemctl is-enabled dmabrokerd dmabrokerd.socket dmabrokerd-rest.socket | tr '\n' ' ')"
[ "$(state)" = active ] || journalctl -u dmabrokerd --no-pager >&2
echo "command=$(ps -o user=,args= -p "$(pid)" | tr -s ' ')"
stat -c '%a %U:%G' /run/dmabroker /run/dmabroker/*.sock | line files
stat -c '%A %U %G' /dev/dma_heap/system /dev/udmabuf | line devices
dmabrokerctl --json health | line health
echo "verify=$(systemd-analyze verify --man=no dmabrokerd.service dmabrokerd.socket dmabrokerd-rest.socket dmabroker-holders.socket dmabroker-holders.service dmabroker-keeper.socket dmabroker-keeper.service 2>&1 | grep -i dmabroker || true)"
echo "verify_user=$(runuser -u alice -- systemd-analyze verify --user --man=no /usr/lib/systemd/user/dmabrokerd.service /usr/lib/systemd/user/*.socket 2>&1 | grep -i dmabroker || true)"
echo "exposure=$(systemd-analyze security dmabrokerd --no-pager | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')"
journalctl -p err -u dmabrokerd -o cat --no-pager | line errors

# Users: as they are after the installation nobody may allocate; then as the refusals tell them.
alone() { runuser -u carol -- "$@" 2>&1 | grep -o "$refusal" || true; }
refusal='permission_denied: user [0-9]* may.*'
echo "carol=$(alone /dmabroker/examples/c/build/dmabroker-example alloc)"
refusal='.* may not connect.*'
echo "carol_rest=$(alone dmabrokerctl list)"
echo "carol_alloc=$(alone dmabrokerctl alloc --size 4096)"
doctor() { as_status=0; runuser -u "$1" -- dmabrokerctl doctor > /tmp/doctor 2>&1 || as_status=$?; echo "$as_status $(cat /tmp/doctor)"; }
doctor carol | line doctor_carol
usermod -aG dmabroker alice
usermod -aG dmabroker-admin bob
echo "alice=$(alloc alice)"
echo "alice_rest=$(as alice dmabrokerctl list)"
doctor bob | line doctor_bob
echo "bob=$(as bob dmabrokerctl list)"
runuser -u alice -- dmabrokerctl --json alloc --size 4096 --source dma-heap:system | line heap

# Who has it: a process of alice's, and one that got it from that one and was never connected.
cat > /tmp/holder.mjs << 'END'
import { spawn } from 'node:child_process';
import { connect } from '/dmabroker/dist/lib/client/index.js';
const client = await connect();
const buffer = await client.allocate({ kind: 'buffer', size: 65536, name: 'held' });
spawn('sleep', ['1000'], { stdio: ['ignore', buffer.planes[0].fd, 'inherit'] });
setInterval(() => {}, 1000);
END
systemd-run --quiet --unit=holder --uid=alice --setenv=XDG_RUNTIME_DIR= node /tmp/holder.mjs
for _ in $(seq 100); do ! rest '/v1/buffers?name=held' | grep -q '"held"' || break; sleep 0.2; done
held=$(as bob dmabrokerctl list --name held -q)
for _ in $(seq 50); do ! rest "/v1/buffers/$held/holders" | grep -q '"sleep"' || break; sleep 0.2; done
runuser -u bob -- dmabrokerctl --json holders "$held" | line holders
runuser -u bob -- dmabrokerctl --json ps | line ps
runuser -u alice -- dmabrokerctl --json holders "$held" | line holders_own
systemctl stop holder
echo "looker=$(systemctl show -P ActiveState,Result dmabroker-holders.service | tr '\n' ' ')$(ps -o user= -p "$(systemctl show -P MainPID dmabroker-holders)")"
echo "looker_exposure=$(systemd-analyze security dmabroker-holders --no-pager | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')"
# It sees processes alone, cannot write into them, and answers root as little as anybody.
looker=$(systemctl show -P MainPID dmabroker-holders)
ls "/proc/$looker/root/" "/proc/$looker/root/etc" | line looker_sees
nsenter -t "$looker" -m -r sh -c 'echo 0 > /proc/self/oom_score_adj' 2> /tmp/said && echo looker_writes=yes || echo looker_writes=no
node -e "require('node:net').connect('/run/dmabroker-holders.sock').on('data', () => console.log('looker_root=told')).on('close', () => console.log('looker_root=closed'))" | head -n 1
as alice node -e "require('node:net').connect('/run/dmabroker-holders.sock').on('error', (e) => console.log(e.code))" | line looker_alice

# The configuration: the file that the unit names is the one that is read; a reload says what is wrong.
echo "checked=$(dmabrokerd --check)"
install -o dmabroker -m 600 /dev/null /etc/dmabroker/tokens.toml
printf '[rest.tcp]\nlisten = "[::1]:0"\ntokens_file = "/etc/dmabroker/tokens.toml"\n' > /tmp/tcp.toml
echo "checked_tokens=$(dmabrokerd --check /tmp/tcp.toml 2>&1)"
groupadd --system others
usermod -aG others carol
printf '[policy]\nconnect = { groups = ["others"] }\n' >> $conf
systemctl reload dmabrokerd
for _ in $(seq 100); do [ "$(alloc carol)" != "drew 640x480 pixels" ] || break; sleep 0.1; done
echo "carol_named=$(alloc carol)"
printf '[log]\nlevel = "loud"\n' >> $conf
systemctl reload dmabrokerd 2> /dev/null && echo reloaded=yes || echo "reloaded=no $(state)"
journalctl -p err -t dmabrokerd -o cat --no-pager | grep '^dmabrokerd: ' | tail -n 1 | line reload_error
systemctl stop dmabroker-holders.socket
doctor root | line doctor_wrong
release "$(rest '/v1/buffers?fields=id' | grep -o '"id":"[a-z0-9]*"' | cut -d'"' -f4)"
systemctl start dmabroker-holders.socket
before=$(pid)
dmabrokerctl restart 2>&1 | line restart_wrong
[ "$before" = "$(pid)" ] && echo restart_kept=yes
systemctl restart dmabrokerd 2> /dev/null && echo wrong=started || echo "wrong=$(state) $(systemctl show -P NRestarts dmabrokerd)"
echo "carol_away=$(as carol dmabrokerctl list)"
# Once for each time that somebody wanted it: by systemctl, and by connecting.
echo "start_errors=$(journalctl -p err -t dmabrokerd -o cat --no-pager | grep -c '^dmabrokerd: .*log.level')"
doctor root | line doctor_failed
cp $conf /tmp/wrong
sed -i 's|^\[log\]$|[clients]|; s|^level = "loud"$|socket = "/proc/nowhere/c"|' $conf
systemctl reset-failed dmabrokerd
systemctl start --no-block dmabrokerd
for _ in $(seq 100); do
  journalctl -p crit -u dmabrokerd -o cat --no-pager > /tmp/fatal
  [ ! -s /tmp/fatal ] || break
  sleep 0.2
done
head -n 1 /tmp/fatal | line fatal
systemctl stop dmabrokerd
cp /tmp/wrong $conf

# A second version: with a wrong file it starts nothing, and says so; with a good one it does.
dpkg -i --force-confold "$debs/new.deb" > /tmp/said 2>&1 || true
grep -o 'toml:[0-9]*: log.level\|dmabroker: dmabrokerd is not started anew' /tmp/said | line upgrade_said
echo "upgraded=$(dpkg-query -W -f '${Version} ${db:Status-Status}' dmabroker) $(state)"
sed -i '$d' $conf
sed -i '$d' $conf
systemctl reset-failed dmabrokerd

# What systemd does not keep for it has the keeper, over the daemon's end, a stop, another package, and the keeper's own end.
drop_in=/etc/systemd/system/dmabrokerd.service.d
mkdir -p $drop_in
# It starts sooner without a driver, which it has had until now.
printf '[Service]\nFileDescriptorStoreMax=3\nNotifyAccess=all\nEnvironment=VK_DRIVER_FILES=/nonexistent\n' > $drop_in/few.conf
systemctl daemon-reload
# It has failed; the package that is there now has not been started.
dmabrokerctl restart 2>&1 | line restart_good
echo "keeper_before=$(systemctl is-active dmabroker-keeper.socket dmabroker-keeper.service | tr '\n' ' ')"
for _ in 1 2 3 4 5; do
  rest /v1/buffers --json '{"kind":"buffer","size":4096}' | grep -o '"id":"[a-z0-9]*"' | cut -d'"' -f4
done > /tmp/ids
keeper() { systemctl show -P MainPID dmabroker-keeper; }
keeps() { rest /metrics | sed -n 's/^dmabroker_keeper_fds //p'; }
live() { rest '/v1/buffers?state=live&fields=id' | grep -o '"id":' | wc -l; }
kept() { systemctl show -P NFileDescriptorStore dmabrokerd; }
before=$(keeper)
echo "keeper=$(systemctl is-active dmabroker-keeper.service) $(keeps) $(ps -o user= -p "$before")"
echo "keeper_rss=$(ps -o rss= -p "$before")"
echo "keeper_limits=$(awk '/Max open files/ { print $4 }' "/proc/$before/limits") $(cat "/proc/$before/oom_score_adj")"
echo "keeper_exposure=$(systemd-analyze security dmabroker-keeper --no-pager | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')"
ls "/proc/$before/root/" "/proc/$before/root/etc" | line keeper_sees
as alice node -e "require('node:net').connect('/run/dmabroker-keeper.sock').on('error', (e) => console.log(e.code))" | line keeper_alice
kill -KILL "$(pid)"
for _ in $(seq 100); do [ "$(live)" != 5 ] || break; sleep 0.1; done
echo "keeper_killed=$(live)"
# In the place of one that the service manager has, something that the daemon does not know.
release "$(head -n 1 /tmp/ids)"
for _ in $(seq 50); do [ "$(kept)" != 2 ] || break; sleep 0.2; done
# systemd-notify speaks for the process that has started it.
sh -c 'echo $$ > /sys/fs/cgroup/system.slice/dmabrokerd.service/cgroup.procs
  NOTIFY_SOCKET=/run/systemd/notify systemd-notify --fd=0 --fdname=kept FDSTORE=1
  exit' < /dev/null
echo "stored=$(kept)"
folder=$(stat -c %i /run/dmabroker)
systemctl stop dmabrokerd 2> /dev/null
echo "stopped=$(state) $(kept)"
dpkg -i --force-confold "$debs/new.deb" > /tmp/said 2>&1
# The service manager takes what is given up when it comes to it.
for _ in $(seq 50); do [ "$(kept)" != 2 ] || break; sleep 0.2; done
echo "upgrade_kept=$(state) $(kept)"
for _ in $(seq 100); do [ "$(live)" != 4 ] || break; sleep 0.1; done
echo "keeper_upgraded=$(live) $(keeps)"
[ "$before" = "$(keeper)" ] && echo keeper_same=yes
[ "$folder" = "$(stat -c %i /run/dmabroker)" ] && echo same_folder=yes || echo same_folder=no
echo "kept=$(tail -n 1 $conf)"
rest /healthz | line health_new
systemctl kill -s KILL dmabroker-keeper
# Another is there once the daemon has found it dead.
for _ in $(seq 200); do
  case $(keeper) in 0 | "$before") ;; *) [ "$(keeps)" != 3 ] || break ;; esac
  sleep 0.1
done
echo "keeper_again=$(live) $(keeps)"
rm -r $drop_in

# A daemon of a user's own. There is no login here: pam_systemd would set the variable.
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' > /etc/systemd/system/user@.service.d/guest.conf
systemctl daemon-reload
systemctl start user@1003 || journalctl -u user@1003 --no-pager >&2
own() { runuser -u carol -- env XDG_RUNTIME_DIR=/run/user/1003 DBUS_SESSION_BUS_ADDRESS= "$@" 2>&1; }
own systemctl --user enable dmabrokerd > /tmp/said || { cat /tmp/said; journalctl _UID=1003 --no-pager; } >&2
own systemctl --user start dmabrokerd.socket dmabrokerd-rest.socket
own dmabrokerctl restart | line own_restart
echo "own=$(own systemctl --user is-active dmabrokerd dmabrokerd.socket dmabrokerd-rest.socket | tr '\n' ' ')$(own systemctl --user is-enabled dmabrokerd)"
stat -c '%a %U:%G' /run/user/1003/dmabroker /run/user/1003/dmabroker/client.sock | line own_files
own dmabrokerctl --json alloc --size 4096 --handle-type memfd | line own_alloc
echo "own_list=$(own dmabrokerctl --json list | grep -c '"executable"' || true)"
mkdir -p ~carol/.config/dmabroker
printf '[log]\nlevel = "debug"\n' > ~carol/.config/dmabroker/dmabroker.toml
chown -R carol: ~carol/.config
own_pid() { own systemctl --user show -P MainPID dmabrokerd; }
before=$(own_pid)
own dmabrokerctl restart | line own_restart_conf
[ "$before" != "$(own_pid)" ] && echo own_restart_made=yes
own dmabrokerctl doctor | line own_doctor
stat -c '%F %a' ~carol/.local/state/dmabroker | line own_state
own dmabrokerctl --json config | grep -o '/home/carol/.config/dmabroker/dmabroker.toml' | line own_config
systemctl is-active dmabrokerd | line machine_beside
own systemctl --user disable --now dmabrokerd.service dmabrokerd.socket dmabrokerd-rest.socket > /dev/null
echo "own_left=$(ls /run/user/1003/dmabroker 2> /dev/null | wc -l)"
systemctl stop user@1003
rm -r /etc/systemd/system/user@.service.d ~carol/.config ~carol/.local

# Gone: removed, its configuration stays; purged, nothing does.
dmabrokerctl quota set user/1001 --bytes 1M > /dev/null || true
dpkg -r dmabroker > /tmp/said 2>&1 || cat /tmp/said >&2
echo "cleaned=$(kept)"
echo "keeper_removed=$(systemctl is-active dmabroker-keeper.socket dmabroker-keeper.service | tr '\n' ' ')"
{ state && ls $conf /var/lib/dmabroker; } | line removed
dpkg -P dmabroker > /tmp/said 2>&1 || true
grep -v '^(Reading\|^Purging\|^Removing' /tmp/said | line purge_said
groupdel others
systemctl daemon-reload
machine > /tmp/after
diff /tmp/before /tmp/after > /tmp/trace || true
line trace < /tmp/trace
