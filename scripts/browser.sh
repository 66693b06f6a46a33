#!/usr/bin/env bash
# Makes a browser be there, in which the tests look at the dashboard: says nothing when it is, else installs Debian's chromium. Without it
# the tests that need it are skipped, so this never fails.
set -euo pipefail

PROGRAM=${SEATRIAL_CHROMIUM:-/usr/bin/chromium}
LOCK=${SEATRIAL_BROWSER_LOCK:-/var/lock/seatrial-browser.lock}
OS_RELEASE=${SEATRIAL_OS_RELEASE:-/etc/os-release}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf 'browser: %s\n' "$*" >&2; }
go_on() { say "$*"; exit 0; }
is_root() { [ "$(id -u)" = 0 ]; }
on_debian() { grep -Eq '^ID=debian$|^ID_LIKE=.*debian' "$OS_RELEASE" 2>/dev/null && ! grep -q '^ID=ubuntu' "$OS_RELEASE"; }
is_there() { [ -x "$PROGRAM" ]; }

install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed; trying with the package lists that are here"
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium fonts-dejavu-core >&2
}

main() {
    is_there && return 0
    on_debian || go_on "tests in a browser will be skipped: put Chromium at $PROGRAM, or set SEATRIAL_CHROMIUM"
    if ! is_root; then
        say "tests in a browser will be skipped: it takes an administrator to install it. The one command:"
        go_on "    sudo bash $HERE/browser.sh"
    fi
    exec 9>>"$LOCK"
    flock 9
    is_there && return 0
    say "installing chromium"
    install || go_on "tests in a browser will be skipped: it could not be installed; see apt-get's words above"
    is_there || go_on "tests in a browser will be skipped: the package has no $PROGRAM"
}

main "$@"
