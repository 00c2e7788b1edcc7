#!/bin/sh
# Why: builds the module of guest/mapping-display for User-Mode Linux as build-kernel.sh has built it, without building that
# again: its configuration and its headers are enough, since it asks for no versions of symbols. Run by display.ts: $1 is the
# source's archive, $2 the fragment of a configuration, $3 the module's folder, $4 a folder to work in (2 GB, removed
# afterwards), $5 the file that is made, and $6 what the kernel has to call itself.
set -eu
archive=$1 fragment=$2 module=$3 work=$4 made=$5 version=$6
mkdir -p "$work/source" "$work/object" "$work/module"
tar --extract --file "$archive" --directory "$work/source" --strip-components=1
make="make --directory=$work/source ARCH=um O=$work/object"
$make x86_64_defconfig
(cd "$work/object" && ../source/scripts/kconfig/merge_config.sh -m -O . .config "$fragment")
$make olddefconfig
$make -j "$(nproc)" modules_prepare
is=$(cat "$work/object/include/config/kernel.release")
[ "$is" = "$version" ] || { echo "the kernel is $version, and the source's is $is" >&2; exit 1; }
cp "$module"/*.c "$work/module"
echo 'obj-m := mapping_display.o' > "$work/module/Kbuild"
$make M="$work/module" KBUILD_MODPOST_WARN=1 modules
strip --strip-debug -o "$made" "$work/module/mapping_display.ko"
rm -rf "$work"
