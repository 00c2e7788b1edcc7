#!/usr/bin/env bash
# Installs what is missing, and says what it would need where it may not. Sourced by the other
# scripts:
#
#   need_node                       Node 20 or newer
#   need_modules                    npm ci, if package-lock.json has changed since; what it made is kept in the cache
#   cache_folder                    where what was made once is kept (test/vm/paths.ts says the same)
#   need_packages <for> <package…>  Debian packages; exits 3 with the exact apt line if not root
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }

need_node() {
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 20 ]; then
    say "Node 20 or newer is needed; this is $(node --version)"
    exit 3
  fi
}

cache_folder() { echo "${DMABROKER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker}"; }

# keep <kind> <name> <folder> <tar's arguments…>: an archive of the folder as <kind>-<name>.tar in the cache, the only one of
# its kind. A cache that cannot be written keeps nothing, and that is all.
keep() {
  local kind=$1 kept=$1-$2.tar folder=$3 cache
  shift 3
  cache=$(cache_folder)
  if mkdir -p "$cache" && tar -C "$folder" -cf "$cache/$kept.$$" "$@" && mv "$cache/$kept.$$" "$cache/$kept"; then
    find "$cache" -maxdepth 1 -name "$kind-*.tar" ! -name "$kept" -delete
  else
    rm -f "$cache/$kept.$$"
  fi
}

# digest_of <file…>: what the archive of what is made of them is called.
digest_of() { { node -p 'process.version + process.arch' && cat "$@"; } | sha256sum | cut -c 1-12; }

# Whoever comes second waits, and finds them there. npm ci computes for 20 s, unpacking what it made for 2.
need_modules() {
  local stamp=node_modules/.dmabroker-lock lock
  exec {lock}<package-lock.json
  flock "$lock"
  # What somebody has installed with npm ci counts: npm notes it there.
  if [ ! -e "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
    cp package-lock.json "$stamp"
  fi
  if ! cmp -s package-lock.json "$stamp"; then
    local digest
    digest=$(digest_of package.json package-lock.json)
    rm -rf node_modules
    if [ ! -e "$(cache_folder)/modules-$digest.tar" ] || ! tar --no-same-owner -xf "$(cache_folder)/modules-$digest.tar"; then
      say 'installing npm packages (npm ci)'
      npm ci --no-audit --no-fund --loglevel=error >&2
      keep modules "$digest" . node_modules
    fi
    cp package-lock.json "$stamp"
  fi
  exec {lock}<&-
}

need_packages() {
  local purpose=$1 missing=()
  shift
  if ! command -v dpkg-query >/dev/null; then
    say "$purpose: not a Debian system; these are needed: $*"
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    say "$purpose: packages are missing. As root, run:"
    echo "apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
    exit 3
  fi
  say "$purpose: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # A machine may have two package managers at once; apt waits for the lock.
  local quiet='-qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0'
  # shellcheck disable=SC2086
  apt-get $quiet update >&2
  # shellcheck disable=SC2086
  apt-get $quiet install --yes --no-install-recommends "${missing[@]}" >&2
}

# Those of the packages that are not installed, a line each.
missing_packages() {
  local installed
  # One that dpkg has never heard of is an error of dpkg-query's, and no line of its answer.
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "installed $package" <<<"$installed" || echo "$package"
  done
}

# A C compiler for the shim; wayland-scanner and libwayland-client for the C example.
BUILD_PACKAGES=(gcc libc6-dev make libwayland-dev libwayland-bin)
# What clients/heaps and clients/gbm take beside that.
SHIM_PACKAGES=(pkgconf libdrm-dev libgbm-dev)
# And the examples: linux-dmabuf's and xdg-shell's XML for examples/wayland; what examples/pipewire and examples/scanout are linked with.
PROGRAM_PACKAGES=("${SHIM_PACKAGES[@]}" wayland-protocols libpipewire-0.3-dev)
# The Vulkan headers and registry and drm_fourcc.h, that generated code and the table of formats are compared with;
# curl, with which the commands of docs/rest.md are run; what an installed clients/c is compiled against by C and C++.
TEST_PACKAGES=("${PROGRAM_PACKAGES[@]}" libvulkan-dev curl zsh fish mandoc g++)
# What the Python client's tests take beside Python: arrays, types, the wheel (clients/python/pyproject.toml).
PYTHON_PACKAGES=(python3 python3-numpy mypy python3-hatchling)
# What test/bindings compiles with: waylandpp, Qt's scanner and headers, wayland-rs. Rust is 400 MB of it, so
# that these are asked for only by a run that has such a file in it.
BINDING_PACKAGES=(g++ pkgconf waylandpp-dev wayland-scanner++ qt6-wayland-dev-tools qt6-base-dev rustc cargo)
need_binding_packages() {
  # docs/first-fd.md is written for wayland-rs 0.29, which Debian 13 has beside a newer one.
  local version=
  [ -n "$(apt-cache show librust-wayland-client-0.29-dev 2>/dev/null)" ] && version=-0.29
  need_packages 'testing the bindings' "${BINDING_PACKAGES[@]}" \
    "librust-wayland-client$version-dev" "librust-wayland-scanner$version-dev"
}

# What the pages have made, for tests and for the guest, which has no compiler. clients/c comes first: the others are linked with it.
EXAMPLES=(examples/c examples/wayland examples/v4l2 examples/pipewire examples/scanout)
make_each() {
  printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" make --silent -C
}
make_programs() {
  make --silent -C clients/c
  make_each clients/heaps clients/gbm "${EXAMPLES[@]}"
}

# The other architecture's shim, for the package (scripts/prepack.sh), and what starts it in a test.
case $(uname -m) in
  aarch64) PACK_PACKAGES=(gcc-x86-64-linux-gnu libc6-dev-amd64-cross qemu-user) ;;
  *) PACK_PACKAGES=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user) ;;
esac

# package_list <name>: one list of test/vm/packages.ts, beside the code that needs it; it can be read
# before anything is compiled.
package_list() {
  sed -n "/$1 = \[/,/\]/s/^ *'\(.*\)',.*$/\1/p" test/vm/packages.ts
}

need_guest_packages() {
  # shellcheck disable=SC2046
  need_packages 'the guest' $(package_list HOST_PACKAGES)
}

# What building the fast guest's kernel takes. Without it the guest is five times slower, and that is all.
want_kernel_packages() {
  # shellcheck disable=SC2046
  (need_packages 'the fast guest' $(package_list KERNEL_PACKAGES)) ||
    say 'the fast guest is not built without them: QEMU is used'
}
