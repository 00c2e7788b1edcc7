#!/usr/bin/env bash
# Makes the Debian packages of what is in C: package-clients.sh [<folder>], by default build/. libdmabroker0 and
# libdmabroker-dev are clients/c, dmabroker-shims clients/heaps and clients/gbm. They are compiled in a folder of their own, by
# the Makefiles' own `install`, and without what depends on where that lies.
source "$(dirname "$0")/setup.sh"
source scripts/packing.sh

need_packages 'packaging' "${BUILD_PACKAGES[@]}" "${SHIM_PACKAGES[@]}"
out=$(realpath -m "${1:-build}")
lib=/usr/lib/$(gcc -print-multiarch)
work=$(mktemp -d)
trap 'rm -rf "$root" "$work"' EXIT

# The clients alone, as they are: what is built in the checkout is of another prefix.
mkdir "$work/clients" && cp -r protocol package.json "$work/"
for client in c heaps gbm; do
  cp -r "clients/$client" "$work/clients/"
  rm -rf "$work/clients/$client/build"
  make --silent -C "$work/clients/$client" install DESTDIR="$work/root" PREFIX=/usr LIBDIR="$lib" GBMDIR="$lib/gbm" \
    CFLAGS='-O2 -fstack-protector-strong' LDFLAGS='-Wl,-z,relro -Wl,-z,now' >&2
done
strip --strip-unneeded "$work/root$lib"/*.so.0 "$work/root$lib/libdmabroker-heaps.so" "$work/root$lib/gbm"/*.so
strip --strip-debug --enable-deterministic-archives "$work/root$lib/libdmabroker.a"

take() { put "$work/root$1" "${1#/}"; }
# The newest symbol of glibc that any of these asks for.
asks() { objdump -T "$@" | sed -n 's/.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -uV | tail -n 1; }

begin_package
glibc=$(asks "$work/root$lib/libdmabroker.so.0")
take "$lib/libdmabroker.so.0"
put_legal libdmabroker0 packaging/clients/copyright
plain_modes
install -d "$root/DEBIAN"
echo "libdmabroker 0 libdmabroker0 (>= $version)" >"$root/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$root/DEBIAN/triggers"
end_package libdmabroker0 packaging/clients/libdmabroker0.control.in

begin_package
take /usr/include/dmabroker.h
take "$lib/libdmabroker.a"
take "$lib/pkgconfig/dmabroker.pc"
ln -s libdmabroker.so.0 "$root$lib/libdmabroker.so"
put clients/c/README.md usr/share/doc/libdmabroker-dev/README.md
put clients/c/example.c usr/share/doc/libdmabroker-dev/examples/example.c
put_legal libdmabroker-dev packaging/clients/copyright
plain_modes
end_package libdmabroker-dev packaging/clients/libdmabroker-dev.control.in

begin_package
glibc=$(asks "$work/root$lib/libdmabroker-heaps.so" "$work/root$lib/gbm/dmabroker_gbm.so")
take "$lib/libdmabroker-heaps.so"
take "$lib/gbm/dmabroker_gbm.so"
for page in heaps gbm; do put "docs/$page.md" "usr/share/doc/dmabroker-shims/$page.md"; done
put_legal dmabroker-shims packaging/clients/copyright
plain_modes
end_package dmabroker-shims packaging/clients/dmabroker-shims.control.in
