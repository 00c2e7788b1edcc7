#!/bin/sh
# Why: builds User-Mode Linux (a kernel that is a program) with what the guest's tests need. Run by
# kernel.ts: $1 is the source's archive, $2 the fragment of a configuration, $3 a folder to work in (3 GB,
# removed afterwards), $4 the folder that is made: the program `linux` and `modules/<version>`.
# A change here, or of the fragment, builds a new kernel at the next use.
set -eu
archive=$1 fragment=$2 work=$3 made=$4
mkdir -p "$work/source" "$work/object" "$made"
tar --extract --file "$archive" --directory "$work/source" --strip-components=1

# What costs a guest most, made cheaper, where the source is what it was made for: without it everything is there, slower.
faster=$(dirname "$0")/uml-faster.patch
if patch --directory="$work/source" --strip=1 --fuzz=0 --dry-run --silent <"$faster" >/dev/null; then
  patch --directory="$work/source" --strip=1 --fuzz=0 --silent <"$faster"
else
  echo 'uml-faster.patch does not fit'
fi

# A process's vector registers are set by ptrace as a whole or not at all, and 6.12 has room for those of
# AVX-512 only: with AMX they are 11,008 bytes, and nothing would start. A later one finds out how large they are.
sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 12288)/' \
  "$work/source/arch/x86/um/user-offsets.c"

# Linux has contiguous memory (CMA) for the architectures that ask for it: this one does now, with what `cma=` on the command
# line says (uml.ts), which is none without it.
sed -i 's/^\tselect HAVE_DEBUG_KMEMLEAK$/&\n\tselect HAVE_DMA_CONTIGUOUS/' "$work/source/arch/um/Kconfig"
sed -i -e 's/^\tsetup_hostinfo(host_info.*/&\n\tparse_early_param();\n\tdma_contiguous_reserve(0);/' \
  -e '1i #include <linux/dma-map-ops.h>' "$work/source/arch/um/kernel/um_arch.c"

make="make --directory=$work/source ARCH=um O=$work/object"
$make x86_64_defconfig
(cd "$work/object" && ../source/scripts/kconfig/merge_config.sh -m -O . .config "$fragment")
$make olddefconfig
# A choice that this source does not have is left out without a word: better now than as a failed test.
for option in UDMABUF DMABUF_HEAPS_SYSTEM SW_SYNC DRM_VGEM DRM_VKMS HOSTFS SQUASHFS OVERLAY_FS FUSE_FS \
  MEMCG PSI DMABUF_HEAPS_CMA CMA_SYSFS; do
  grep -q "^CONFIG_$option=y$" "$work/object/.config" || { echo "CONFIG_$option is not set" >&2; exit 1; }
done
$make -j "$(nproc)" linux modules
$make INSTALL_MOD_PATH="$work/root" modules_install
version=$(cat "$work/object/include/config/kernel.release")
/sbin/depmod --basedir "$work/root" "$version"

strip -o "$made/linux" "$work/object/linux"
mkdir "$made/modules"
mv "$work/root/lib/modules/$version" "$made/modules/"
rm -f "$made/modules/$version/build" "$made/modules/$version/source"
rm -rf "$work"
