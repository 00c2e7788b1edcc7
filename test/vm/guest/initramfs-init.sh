#!/bin/sh
# Why: the kernel's first process, in the initramfs. It knows only how to find the root (the
# image, read-only, under a tmpfs) and the checkout (9p, read-only, under a tmpfs) and hands over
# to boot.sh in the checkout. It is part of the image: a change here rebuilds it.
export PATH=/bin
mount -t proc -o nosuid,nodev,noexec proc /proc
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t devtmpfs -o nosuid dev /dev

mount -t squashfs -o ro /dev/vda /image
mount -t tmpfs -o size=60%,mode=755 over /over
mkdir /over/root /over/root-work /over/checkout /over/checkout-work
mount -t overlay -o lowerdir=/image,upperdir=/over/root,workdir=/over/root-work root /root
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro checkout /checkout
mount -t overlay -o lowerdir=/checkout,upperdir=/over/checkout,workdir=/over/checkout-work \
  checkout /root/dmabroker

mount -o move /proc /root/proc
mount -o move /dev /root/dev
exec switch_root /root /bin/sh /dmabroker/test/vm/guest/boot.sh
