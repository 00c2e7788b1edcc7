#!/usr/bin/env bash
# Makes the Debian package of this machine's architecture: package-deb.sh [<folder>], by default build/. By dpkg-deb
# alone, since nothing is compiled that scripts/build.sh has not compiled: debhelper would only copy. The same sources
# make the same bytes (reproducible-builds.org: SOURCE_DATE_EPOCH, by default the last commit's date).
source "$(dirname "$0")/setup.sh"
source scripts/packing.sh

need_node
need_modules
need_packages 'packaging' "${BUILD_PACKAGES[@]}"
bash scripts/build.sh >&2

out=$(realpath -m "${1:-build}")
begin_package
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
filled packaging/dmabroker-protocols.pc.in >"$root/.pc"
put "$root/.pc" usr/share/pkgconfig/dmabroker-protocols.pc
rm "$root/.pc"
share=usr/share/doc/dmabroker
put_compressed CHANGELOG.md $share/CHANGELOG.md.gz
put_legal dmabroker
for page in README.md docs/*.md docs/prometheus-rules.yml docs/grafana-dashboard.json; do put "$page" "$share/${page#docs/}"; done

plain_modes
chmod 755 "$root/$own"/bin/*
install -d "$root/DEBIAN"
(cd "$root" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$root/DEBIAN/conffiles"
install -m 755 -t "$root/DEBIAN" packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm
end_package dmabroker packaging/deb/control.in
