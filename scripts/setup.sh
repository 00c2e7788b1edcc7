#!/usr/bin/env bash
# Installs what is missing, and says what it would need where it may not. Sourced by the other
# scripts:
#
#   need_node                       Node 20 or newer
#   need_modules                    npm ci, if package-lock.json has changed since
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

need_modules() {
  local stamp=node_modules/.dmabroker-lock
  if ! cmp -s package-lock.json "$stamp"; then
    say 'installing npm packages (npm ci)'
    npm ci --no-audit --no-fund --loglevel=error >&2
    cp package-lock.json "$stamp"
  fi
}

need_packages() {
  local purpose=$1 package missing=()
  shift
  if ! command -v dpkg-query >/dev/null; then
    say "$purpose: not a Debian system; these are needed: $*"
    return
  fi
  for package in "$@"; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
      installed) ;;
      *) missing+=("$package") ;;
    esac
  done
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

# A C compiler for the shim; wayland-scanner and libwayland-client for the C example.
BUILD_PACKAGES=(gcc libc6-dev make libwayland-dev libwayland-bin)
# The Vulkan headers and registry, linux-dmabuf's XML and drm_fourcc.h, that generated code and the
# table of formats are compared with; curl, with which the commands of docs/rest.md are run.
TEST_PACKAGES=(libvulkan-dev wayland-protocols libdrm-dev curl)

need_guest_packages() {
  local packages
  # One list, beside the code that needs them; it can be read before anything is compiled.
  packages=$(sed -n "/HOST_PACKAGES = \[/,/\]/s/^ *'\(.*\)',$/\1/p" test/vm/packages.ts)
  # shellcheck disable=SC2086
  need_packages 'the guest' $packages
}
