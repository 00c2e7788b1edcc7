#!/bin/sh
# Why: mmdebstrap makes a Debian root but no bootable image of it. This is its last hook but for
# the downloads: it adds Node, the kernel (unpacked, not configured, so that no initramfs-tools
# runs), the test users and a small initramfs, and leaves root.squashfs, vmlinux and initrd.img in
# /guest of the root, from where image.ts has mmdebstrap download them (the hook may be another
# user than the cache's: it cannot write there itself).
# $1 is the root, with Node's npm package uploaded as /node.tgz; $2 is the initramfs's /init.
set -eu
root=$1
init=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Which package linux-image-amd64 stands for today; only that one is fetched.
# shellcheck disable=SC2016
chroot "$root" sh -c '
  set -e
  cd /var/tmp
  apt-get download -q "$(apt-cache depends --important linux-image-amd64 |
    sed -n "s/.*Depends: //p" | head -n 1)"
  dpkg-deb -x linux-image-*.deb /
  rm linux-image-*.deb
'
set -- "$root"/usr/lib/modules/*
version=${1##*/}
chroot "$root" depmod -a "$version"

tar -xzf "$root/node.tgz" -C "$root/usr/local" --strip-components=1 --no-same-owner package/bin
ln -s ../local/bin/node "$root/usr/bin/node"
rm "$root/node.tgz"

# The boot scripts' tools: static, and so three times as fast to start under TCG.
mkdir -p "$root/usr/lib/guest/bin"
chroot "$root" /usr/bin/busybox --install -s /usr/lib/guest/bin

# People that the tests act as. carol is in no group of the broker.
chroot "$root" groupadd --system dmabroker
chroot "$root" groupadd --system dmabroker-admin
for user in alice:1001 bob:1002 carol:1003; do
  chroot "$root" useradd --create-home --shell /bin/sh --uid "${user#*:}" "${user%:*}"
done
for user in alice bob; do chroot "$root" usermod --append --groups dmabroker "$user"; done

# A fixed machine id: systemd takes no boot for the first one.
echo 64636d6162726f6b65722d67756573ff > "$root/etc/machine-id"
echo guest > "$root/etc/hostname"
printf '127.0.0.1 localhost guest\n::1 localhost\n' > "$root/etc/hosts"
: > "$root/etc/resolv.conf"
mkdir -p "$root/dmabroker"
# Timers of package management have nothing to do in a guest without a network.
rm -f "$root"/etc/systemd/system/timers.target.wants/*

# The initramfs: busybox, and in load order the modules that mounting root and checkout takes,
# and vgem.
ramfs=$work/ramfs
mkdir "$ramfs"
for folder in bin modules proc dev image checkout over root; do mkdir "$ramfs/$folder"; done
cp "$root/usr/bin/busybox" "$ramfs/bin/busybox"
for applet in sh mount mkdir insmod switch_root; do ln -s busybox "$ramfs/bin/$applet"; done
install -m 755 "$init" "$ramfs/init"
for module in virtio_blk squashfs overlay 9pnet_virtio 9p vgem; do
  chroot "$root" modprobe -S "$version" --show-depends "$module"
done | while read -r verb path _; do
  [ "$verb" = insmod ] || continue
  name=${path##*/}
  name=${name%.xz}
  [ ! -e "$ramfs/modules/$name" ] || continue
  chroot "$root" busybox xzcat "$path" > "$ramfs/modules/$name"
  echo "$name" >> "$ramfs/modules/order"
done
(cd "$ramfs" && find . | cpio --quiet --create --format newc --owner 0:0) > "$work/initrd.img"

# The kernel without its compression (zstd, then 4 bytes that tell its size): QEMU starts the ELF
# file inside at once, where the firmware and the kernel's own unpacking take a second under TCG.
# The fields are those of the boot protocol: setup_sects, payload_offset, payload_length.
kernel=$root/boot/vmlinuz-$version
field() { od -A n -t "u$2" -j "$1" -N "$2" "$kernel" | tr -d ' '; }
offset=$((($(field 497 1) + 1) * 512 + $(field 584 4)))
tail -c "+$((offset + 1))" "$kernel" | head -c "$(($(field 588 4) - 4))" | zstd -dcq \
  > "$work/vmlinux"

rm -rf "$root"/boot/vmlinuz* "$root"/boot/System.map* "$root"/var/lib/apt/lists/* \
  "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/log/apt "$root"/var/log/dpkg.log

# Not compressed: reading costs nothing then, and nor does making it. mmdebstrap has the kernel's
# file systems mounted there: they are no part of the image. Tells of ACLs that it leaves out.
mksquashfs "$root" "$work/root.squashfs" -noI -noD -noF -noX -no-progress -quiet \
  -wildcards -e 'proc/*' 'sys/*' 'dev/*' 'run/*' 'tmp/*'

mkdir "$root/guest"
mv "$work/root.squashfs" "$work/vmlinux" "$work/initrd.img" "$root/guest/"
