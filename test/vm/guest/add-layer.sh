#!/bin/sh
# Why: in the guest, puts a layer (test/vm/layer.ts) over /usr, and its /etc and /var beside what is there.
# $1: its file
set -eu
# Debian's own kernel has it as a module.
[ -e /dev/loop-control ] || modprobe loop
mkdir -p /run/layer/root /run/layer/upper /run/layer/work /run/layer/modules
mount -o loop,ro "$1" /run/layer/root
# What is mounted below /usr would be hidden.
mount --bind /lib/modules /run/layer/modules
mount -t overlay -o lowerdir=/run/layer/root/usr:/usr,upperdir=/run/layer/upper,workdir=/run/layer/work layer /usr
mount --bind /run/layer/modules /lib/modules
for folder in etc var; do
  [ ! -d "/run/layer/root/$folder" ] || cp -a "/run/layer/root/$folder/." "/$folder/"
done
