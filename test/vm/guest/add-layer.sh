#!/bin/sh
# Why: in the guest, puts a layer (test/vm/layer.ts) over /usr, and its /etc and /var beside what is there.
# $1: its file
set -eu
# Debian's own kernel has it as a module.
[ -e /dev/loop-control ] || modprobe loop
mkdir -p /run/layer/root /run/layer/upper /run/layer/work
mount -o loop,ro "$1" /run/layer/root
# What is mounted below /usr (User-Mode Linux's modules) is not seen through the overlay.
modules=/usr/lib/modules
if mountpoint -q "$modules"; then
  mkdir -p /run/layer/modules
  mount --bind "$modules" /run/layer/modules
fi
mount -t overlay -o lowerdir=/run/layer/root/usr:/usr,upperdir=/run/layer/upper,workdir=/run/layer/work layer /usr
[ ! -d /run/layer/modules ] || mount --bind /run/layer/modules "$modules"
for folder in etc var; do
  [ ! -d "/run/layer/root/$folder" ] || cp -a "/run/layer/root/$folder/." "/$folder/"
done
