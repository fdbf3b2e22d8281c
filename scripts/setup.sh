#!/usr/bin/env bash
# Makes a clone ready to run, on Debian 12 or newer with nothing but git and make: Debian packages,
# .venv from the lock file, browser assets. What is there already is left alone, so a second run costs nothing.
#
#   scripts/setup.sh run        what `make up` needs
#   scripts/setup.sh develop    also what the tests, linters and the documentation need
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
python=/usr/bin/python3

packages=(
  ca-certificates python3 python3-venv
  qemu-system-x86 qemu-utils dnsmasq-base nftables iproute2
  debian-archive-keyring e2fsprogs mmdebstrap mtools syslinux syslinux-common
)
lock=requirements.lock
if [ "$purpose" = develop ]; then
  packages+=(
    openssh-client iputils-ping curl procps fdisk busybox-static openssl fakeroot uidmap
    postgresql chromium fonts-dejavu-core ganeti ganeti-os-noop rclone restic cadaver davfs2 litmus memcached
    gcc libc6-dev python3-dev libldap-dev libsasl2-dev slapd ldap-utils nginx-light
  )
  lock=requirements-dev.lock
fi

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

debian_packages() {
  command -v dpkg-query >/dev/null || fail "this machine has no dpkg; Synnefo is set up on Debian 12 or newer"
  local installed missing=() package
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p' || true)
  for package in "${packages[@]}"; do
    grep -qx "$package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "Debian packages are missing. Run this, then the same make command again:"
    printf '\n  sudo apt-get install --no-install-recommends %s\n\n' "${missing[*]}" >&2
    exit 1
  fi
  say "installing Debian packages: ${missing[*]}"
  apt_get update
  apt_get install -y --no-install-recommends "${missing[@]}"
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

# The stamp of the virtual environment names everything it depends on, its own place included: environments do not move.
virtual_environment() {
  local wanted
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than 3.11"
  wanted="$("$python" --version) $PWD $(sha256sum "$lock" pyproject.toml)"
  [ "$(cat ".venv/.setup-$purpose" 2>/dev/null)" != "$wanted" ] || return 0
  say "making .venv from $lock"
  [ "$(readlink -f .venv/bin/python 2>/dev/null)" = "$(readlink -f "$python")" ] && grep -qsF "$PWD/.venv" .venv/bin/pip ||
    "$python" -m venv --clear .venv
  pip install --require-hashes -r "$lock"
  pip install --no-deps --no-build-isolation -e .
  printf '%s\n' "$wanted" >".venv/.setup-$purpose"
}

pip() {
  .venv/bin/python -m pip --disable-pip-version-check --no-input -qq "$@" </dev/null >&2
}

browser_assets() {
  local wanted npm=npm vendor=synnefo/webproject/static/vendor
  wanted=$(sha256sum package-lock.json scripts/setup.sh)
  [ "$(cat "$vendor/.setup" 2>/dev/null)" != "$wanted" ] || return 0
  say "fetching browser assets"
  if ! command -v npm >/dev/null; then
    pip install --require-hashes -r requirements-node.lock
    npm=.venv/bin/npm
  fi
  "$npm" ci --no-progress --loglevel=error </dev/null >&2
  rm -rf "$vendor"
  vendored htmx htmx.org/LICENSE htmx.org/dist/htmx.min.js
  vendored idiomorph idiomorph/LICENSE idiomorph/dist/idiomorph-ext.min.js
  vendored tabler @tabler/core/dist/css/tabler.min.css \
    @tabler/core/dist/js/tabler.min.js @tabler/core/dist/js/tabler-theme.min.js
  vendored noble-hashes @noble/hashes/LICENSE @noble/hashes/sha2.js @noble/hashes/_md.js @noble/hashes/_u64.js \
    @noble/hashes/utils.js
  vendored novnc @novnc/novnc/LICENSE.txt @novnc/novnc/core @novnc/novnc/vendor
  printf '%s\n' "$wanted" >"$vendor/.setup"
}

vendored() { # vendored NAME FILE...
  local target=$vendor/$1
  shift
  mkdir -p "$target"
  cp -r "${@/#/node_modules/}" "$target/"
}

debian_packages
virtual_environment
browser_assets
