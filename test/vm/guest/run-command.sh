#!/bin/sh
# Why: the guest's half of vm.ts. It takes the command from the runner, runs it with stdout and
# stderr on ports of their own, and reports the exit status.
#
# The ports (serial lines of User-Mode Linux, virtio-serial of QEMU): control, stdout, stderr, stdin. Over control the guest says "ready";
# the runner answers with one line "<length> <end mark> <1 if there is a stdin>" and a shell script
# of that length; the guest ends with "exit <status>". A port of QEMU's can be opened once only, so that
# the command gets pipes (it may open /dev/stdout again) and cat moves their bytes. The end mark
# goes through the same pipes after the command: whoever has read it has read everything before.
export PATH=/usr/lib/guest/bin # busybox, until the command
port() {
  if [ ! -d /sys/class/virtio-ports ]; then
    case $1 in control) echo /dev/ttyS0 ;; stdout) echo /dev/ttyS1 ;; stderr) echo /dev/ttyS2 ;; stdin) echo /dev/ttyS3 ;; esac
    return
  fi
  for each in /sys/class/virtio-ports/*; do
    read -r name < "$each/name"
    if [ "$name" = "dmabroker.$1" ]; then
      echo "/dev/${each##*/}"
      return
    fi
  done
}

state=/run/dmabroker-vm
mkdir -m 755 "$state"
mkfifo -m 622 "$state/stdout" "$state/stderr"

# Not before the system is up: running or degraded, the command can look which.
if [ "$1" = --wait-for-systemd ]; then /usr/bin/systemctl is-system-running --wait > /dev/null; fi

# A serial line passes bytes on as they are. Its settings last while it is open: the shell keeps it so.
raw() { case $1 in /dev/tty*) stty -F "$1" raw -echo ;; esac; }

control=$(port control)
exec 3<> "$control"
raw "$control"
echo ready >&3
read -r length mark has_stdin <&3
head -c "$length" <&3 > "$state/command"

stdout=$(port stdout) stderr=$(port stderr) stdin=$(port stdin)
exec 6> "$stdout" 7> "$stderr"
raw "$stdout"
raw "$stderr"
cat "$state/stdout" >&6 3>&- &
cat "$state/stderr" >&7 3>&- &
input=/dev/null
if [ "$has_stdin" = 1 ]; then
  input=$state/stdin
  mkfifo "$input"
  exec 8< "$stdin"
  raw "$stdin"
  /usr/bin/node /dmabroker/test/vm/guest/stdin.mjs "$mark" <&8 > "$input" 3>&- &
fi
export HOME=/root USER=root LANG=C.UTF-8 XDG_RUNTIME_DIR=/run/user/0
mkdir -p -m 700 /run/user/0
cd /dmabroker || exit 1
exec 4> "$state/stdout" 5> "$state/stderr"

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin setsid /bin/sh "$state/command" < "$input" >&4 2>&5 3>&- 4>&- 5>&- 6>&- 7>&- 8<&-
status=$?

printf '\0%s' "$mark" >&4
printf '\0%s' "$mark" >&5
echo "exit $status" >&3
# The runner ends the guest now; the ports stay open until then. No program is started for the wait: one
# that is being made while User-Mode Linux is killed may stay on the host.
read -r _ <&3
