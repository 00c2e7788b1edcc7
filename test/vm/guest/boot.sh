#!/bin/sh
# Why: PID 1 of the guest once root and checkout are mounted. It makes the machine that the tests
# expect (a render node, a large udmabuf limit, npx) and then either runs the command itself
# (the default: seconds) or becomes systemd with the command as a service (--systemd).
export PATH=/usr/lib/guest/bin # busybox
vm=/dmabroker/test/vm/guest

mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
ln -sf "$vm/npx.mjs" /usr/local/bin/npx
ln -sf "$vm/photograph.sh" /usr/local/bin/photograph

echo 4096 > /sys/module/udmabuf/parameters/size_limit_mb

# The second CPU starts here (see qemu.ts: maxcpus). User-Mode Linux has one.
if [ -e /sys/devices/system/cpu/cpu1 ]; then echo 1 > /sys/devices/system/cpu/cpu1/online; fi

read -r cmdline < /proc/cmdline
case " $cmdline " in
  *' dmabroker.systemd '*) exec "$vm/systemd.sh" ;;
esac

mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
# What udev would have done.
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
chown root:render /dev/dri/renderD*
chmod 660 /dev/dri/renderD*
ifconfig lo up
echo guest > /proc/sys/kernel/hostname
# The kernel's limits are far below those that systemd sets: the same here.
ulimit -H -n 524288

"$vm/run-command.sh"
# Reached only when the runner is gone or told to leave the guest: otherwise it ends QEMU first.
sync
echo o > /proc/sysrq-trigger
sleep 60
