#!/bin/sh
# Why: fetches the kernel's source that Debian has in a suite. Run by kernel.ts with APT_CONFIG (apt.ts); $1 is a folder,
# in which it leaves `source.tar.xz`, and the package's `name` with its version. $2, PACKAGE=VERSION, is the one to fetch, else
# the newest.
set -eu
cd "$1"
apt-get --quiet=2 update
wanted=${2-$(apt-cache depends --important linux-source | sed -n 's/.*Depends: //p' | head -n 1)}
[ -n "$wanted" ] || { echo 'there is no linux-source' >&2; exit 1; }
apt-get --quiet=2 download "$wanted"
package=${wanted%%=*}
deb=$(echo "$package"_*.deb)
dpkg-deb --field "$deb" Package Version | sed 's/.*: //' | paste -s -d ' ' > name
dpkg-deb --fsys-tarfile "$deb" | tar --extract --to-stdout "./usr/src/$package.tar.xz" > source.tar.xz
rm "$deb"
