#!/bin/sh
# Why: --systemd: boot.sh becomes this, and this becomes systemd with the command as a service. A
# service costs a second under TCG, so that what no test can miss is left out of the boot. Nothing
# is masked but mounts: a unit that is left out can be started.
units=/run/systemd/system
vm=/dmabroker/test/vm/guest
mkdir -p "$units/multi-user.target.wants" "$units/systemd-udev-trigger.service.d"

cat > "$units/dmabroker-vm.service" << UNIT
[Unit]
Description=The command given to the guest
[Service]
Type=exec
ExecStart=$vm/run-command.sh --wait-for-systemd
UNIT
ln -s ../dmabroker-vm.service "$units/multi-user.target.wants/"

# Modes and groups of the devices that matter; no modules for hardware that QEMU only imitates.
cat > "$units/systemd-udev-trigger.service.d/few.conf" << 'UNIT'
[Service]
ExecStart=
ExecStart=udevadm trigger --action=add --subsystem-match=misc --subsystem-match=mem --subsystem-match=drm --subsystem-match=dma_heap --subsystem-match=virtio-ports
UNIT

for mount in dev-hugepages dev-mqueue sys-fs-fuse-connections sys-kernel-config \
  sys-kernel-tracing; do
  ln -s /dev/null "$units/$mount.mount"
done
ln -s /dev/null "$units/proc-sys-fs-binfmt_misc.automount"
# They have nothing to find here, and all of them run at each daemon-reload: 0.3 of its 0.4 CPU seconds.
for kind in system user; do
  mkdir -p "/run/systemd/$kind-generators"
  for generator in /usr/lib/systemd/$kind-generators/systemd-*; do
    ln -s /dev/null "/run/systemd/$kind-generators/${generator##*/}"
  done
done
cd /usr/lib/systemd/system || exit 1
rm -f sysinit.target.wants/kmod-static-nodes.service \
  sysinit.target.wants/systemd-ask-password-console.path \
  sysinit.target.wants/systemd-binfmt.service \
  sysinit.target.wants/systemd-journal-flush.service \
  sysinit.target.wants/systemd-modules-load.service \
  sysinit.target.wants/systemd-random-seed.service \
  sysinit.target.wants/systemd-udev-load-credentials.service \
  multi-user.target.wants/systemd-ask-password-wall.path \
  multi-user.target.wants/systemd-logind.service \
  multi-user.target.wants/getty.target \
  multi-user.target.wants/dbus.service \
  /etc/systemd/system/multi-user.target.wants/*.service \
  /etc/systemd/system/getty.target.wants/* \
  /etc/systemd/system/sysinit.target.wants/*
# Nor is there anything to update: no ldconfig, no catalogue.
touch /etc/.updated /var/.updated
exec /usr/lib/systemd/systemd
