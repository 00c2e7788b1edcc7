#!/usr/bin/env bash
# Makes the Debian package of this machine's architecture: package-deb.sh [<folder>], by default build/. By dpkg-deb
# alone, since nothing is compiled that scripts/build.sh has not compiled: debhelper would only copy. The same sources
# make the same bytes (reproducible-builds.org: SOURCE_DATE_EPOCH, by default the last commit's date).
source "$(dirname "$0")/setup.sh"

need_node
need_modules
need_packages 'packaging' "${BUILD_PACKAGES[@]}"
bash scripts/build.sh >&2

out=$(realpath -m "${1:-build}")
arch=$(node -p process.arch)
case $arch in
  x64) debian=amd64 ;;
  arm64) debian=arm64 ;;
  *) say 'the package is made on x64 or arm64' && exit 3 ;;
esac
version=$(node -p 'require("./package.json").version')
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
put() { install -D -m 644 "$1" "$root/$2"; }
# Without the name of the file and its date.
put_compressed() { mkdir -p "$root/$(dirname "$2")" && gzip -9n <"$1" >"$root/$2"; }
filled() {
  sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$debian/" -e "s/@GLIBC@/$glibc/" -e "s/@SIZE@/$size/" \
    -e "s/@MAINTAINER@/$maintainer/" "$1"
}
# As dch(1) has it.
maintainer="${DEBFULLNAME:-dmabroker authors} <${DEBEMAIL:-root@localhost}>"
# The newest symbol of glibc that the shim asks for.
glibc=$(sed -n "s/^export const GLIBC = '\(.*\)';/\1/p" src/native/platform.ts)

# The programs, as npm's package has them, with what they load; Debian's own Node runs them.
own=usr/lib/dmabroker
put package.json $own/package.json
put openapi.yaml $own/openapi.yaml
mkdir -p "$root/$own/dist" "$root/$own/node_modules/@yuuang" "$root/$own/bin" "$root/usr/bin"
cp -r dist/bundle dist/docs "$root/$own/dist/"
put "dist/native/linux-$arch/dmabroker.so" "$own/dist/native/linux-$arch/dmabroker.so"
strip --strip-unneeded "$root/$own/dist/native/linux-$arch/dmabroker.so"
cp -r node_modules/ffi-rs "$root/$own/node_modules/"
cp -r "node_modules/@yuuang/ffi-rs-linux-$arch-gnu" "$root/$own/node_modules/@yuuang/"
mkdir -p "$root/usr/libexec"
for program in bin/dmabrokerd bin/dmabrokerctl bin/dmabroker-unixfd libexec/dmabroker-holders libexec/dmabroker-keeper; do
  name=${program#*/}
  sed '1s|.*|#!/usr/bin/node|' "bin/$name.js" >"$root/$own/bin/$name.js"
  ln -s "../lib/dmabroker/bin/$name.js" "$root/usr/$program"
done

# What runs it.
for unit in systemd/*.service systemd/*.socket; do put "$unit" "usr/lib/systemd/system/${unit##*/}"; done
for unit in systemd/user/*; do put "$unit" "usr/lib/systemd/user/${unit##*/}"; done
put systemd/dmabroker.sysusers.conf usr/lib/sysusers.d/dmabroker.conf
put systemd/60-dmabroker.rules usr/lib/udev/rules.d/60-dmabroker.rules
put packaging/dmabroker.toml etc/dmabroker/dmabroker.toml
# CDI's folder for specifications that are installed; /var/run/cdi is for those that are made at run time.
put packaging/cdi/dmabroker.json etc/cdi/dmabroker.json

# What people and other programs read.
for page in docs/man/*; do put_compressed "$page" "usr/share/man/man${page##*.}/${page##*/}.gz"; done
for shell in bash:bash-completion/completions/dmabrokerctl zsh:zsh/vendor-completions/_dmabrokerctl \
  fish:fish/vendor_completions.d/dmabrokerctl.fish; do
  node bin/dmabrokerctl.js completion "${shell%%:*}" >"$root/.completion"
  put "$root/.completion" "usr/share/${shell#*:}"
  rm "$root/.completion"
done
put protocol/dmabroker-v1.xml usr/share/dmabroker/dmabroker-v1.xml
size=0
filled packaging/dmabroker-protocols.pc.in >"$root/.pc"
put "$root/.pc" usr/share/pkgconfig/dmabroker-protocols.pc
rm "$root/.pc"
share=usr/share/doc/dmabroker
put_compressed CHANGELOG.md $share/CHANGELOG.md.gz
printf 'dmabroker (%s) unstable; urgency=medium\n\n  * CHANGELOG.md.gz has what has changed.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$(date -uR -d "@$SOURCE_DATE_EPOCH")" >"$root/.changelog"
put_compressed "$root/.changelog" $share/changelog.gz
rm "$root/.changelog"
for page in README.md docs/*.md docs/prometheus-rules.yml docs/grafana-dashboard.json; do put "$page" "$share/${page#docs/}"; done
# MIT's text is in the one place where Debian has people look for it.
mkdir -p "$root/$share"
{ cat packaging/deb/copyright && sed -n '5,$s/^$/./;5,$s/^/ /p' LICENSE; } >"$root/$share/copyright"

find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/$own"/bin/*
size=$(du -sk --apparent-size "$root" | cut -f1)
mkdir "$root/DEBIAN"
filled packaging/deb/control.in >"$root/DEBIAN/control"
(cd "$root" && find etc usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
(cd "$root" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$root/DEBIAN/conffiles"
install -m 755 -t "$root/DEBIAN" packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
deb=$out/dmabroker_${version}_$debian.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
echo "$deb"
