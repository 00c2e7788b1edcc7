#!/bin/sh
# Why: the kernel's first process, in the initramfs. It knows only how to find the root (the
# image, read-only, under a tmpfs) and the checkout (read-only, under a tmpfs) and hands over
# to boot.sh in the checkout. It is part of the image: a change here rebuilds it.
#
# User-Mode Linux has all that it takes built in, and the host's files by hostfs: $checkout, and
# $modules for what tests load. QEMU's kernel is Debian's: modules, virtio and 9p.
export PATH=/bin
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t devtmpfs -o nosuid dev /dev 2> /dev/null || true # some kernels have done it

if [ -b /dev/ubda ]; then
  disk=/dev/ubda
  mount -t hostfs -o "ro,$checkout" none /checkout
else
  while read -r module; do insmod "/modules/$module"; done < /modules/order
  disk=/dev/vda
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro checkout /checkout
fi
mount -t squashfs -o ro "$disk" /image
mount -t tmpfs -o size=60%,mode=755 over /over
mkdir /over/root /over/root-work /over/checkout /over/checkout-work
mount -t overlay -o lowerdir=/image,upperdir=/over/root,workdir=/over/root-work root /root
mount -t overlay -o lowerdir=/checkout,upperdir=/over/checkout,workdir=/over/checkout-work \
  checkout /root/dmabroker
if [ -n "$modules" ]; then
  mount -t hostfs -o "ro,$modules" none /root/usr/lib/modules
fi

mount -o move /proc /root/proc
mount -o move /dev /root/dev
exec switch_root /root /bin/sh /dmabroker/test/vm/guest/boot.sh
