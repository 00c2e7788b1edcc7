# What the scripts that make Debian packages have in common; sourced after setup.sh. A package is a folder, $root, which is
# filled and closed: the same sources make the same bytes (reproducible-builds.org: SOURCE_DATE_EPOCH, by default the last
# commit's date).
#
#   begin_package                  an empty folder; $out, $arch and $debian, its names for the architecture, $version
#   put, put_compressed            a file of the checkout to a path of the package
#   put_legal <package> [<file>]   its changelog and its copyright, which begins with that file
#   plain_modes                    folders 755, files 644
#   end_package <package> <control file>   prints the package's path

version=$(node -p 'require("./package.json").version')
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
# As dch(1) has it.
maintainer="${DEBFULLNAME:-dmabroker authors} <${DEBEMAIL:-root@localhost}>"
arch=$(node -p process.arch)
case $arch in
  x64) debian=amd64 ;;
  arm64) debian=arm64 ;;
  *) say 'packages are made on x64 or arm64' && exit 3 ;;
esac
umask 022
root=
trap 'rm -rf "$root"' EXIT

begin_package() {
  rm -rf "$root"
  root=$(mktemp -d)
  glibc= size=0
}

put() { install -D -m 644 "$1" "$root/$2"; }
# Without the name of the file and its date.
put_compressed() { mkdir -p "$root/$(dirname "$2")" && gzip -9n <"$1" >"$root/$2"; }

filled() {
  sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$debian/" -e "s/@GLIBC@/$glibc/" -e "s/@SIZE@/$size/" \
    -e "s/@MAINTAINER@/$maintainer/" "$1"
}

put_legal() {
  local share=usr/share/doc/$1
  printf '%s (%s) unstable; urgency=medium\n\n  * CHANGELOG.md of the source has what has changed.\n\n -- %s  %s\n' \
    "$1" "$version" "$maintainer" "$(date -uR -d "@$SOURCE_DATE_EPOCH")" >"$root/.changelog"
  put_compressed "$root/.changelog" "$share/changelog.gz"
  rm "$root/.changelog"
  # MIT's text is in the one place where Debian has people look for it.
  { cat "${2:-packaging/deb/copyright}" && sed -n '5,$s/^$/./;5,$s/^/ /p' LICENSE; } >"$root/$share/copyright"
}

plain_modes() {
  find "$root" -type d -exec chmod 755 {} +
  find "$root" -type f -exec chmod 644 {} +
}

end_package() {
  local deb=$out/${1}_${version}_$debian.deb
  mkdir -p "$out" "$root/DEBIAN"
  size=$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
  filled "$2" >"$root/DEBIAN/control"
  (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
  echo "$deb"
}
