#!/usr/bin/env bash
# Makes the programs of a Postgres server be there, of which the tests start one of their own: says nothing when they are, else installs
# Debian's postgresql. Makes and starts no database of the system. Without it the tests that need it are skipped, so this never fails.
set -euo pipefail

LIBRARY=${SEATRIAL_POSTGRES_LIB:-/usr/lib/postgresql}
DEFAULTS=${SEATRIAL_POSTGRES_DEFAULTS:-/etc/postgresql-common/createcluster.d}
LOCK=${SEATRIAL_POSTGRES_LOCK:-/var/lock/seatrial-postgres.lock}
OS_RELEASE=${SEATRIAL_OS_RELEASE:-/etc/os-release}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf 'postgres: %s\n' "$*" >&2; }
go_on() { say "$*"; exit 0; }
is_root() { [ "$(id -u)" = 0 ]; }
on_debian() { grep -Eq '^ID(_LIKE)?=.*(debian|ubuntu)' "$OS_RELEASE" 2>/dev/null; }
is_there() { compgen -G "$LIBRARY/*/bin/initdb" >/dev/null || command -v initdb >/dev/null; }

# The package would make a database of the system and start it. It asks this file whether to.
install() {
    trap 'rm -f "$DEFAULTS/seatrial.conf"; rmdir "$DEFAULTS" 2>/dev/null || true' EXIT
    mkdir -p "$DEFAULTS"
    echo "create_main_cluster = false" >"$DEFAULTS/seatrial.conf"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed; trying with the package lists that are here"
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends postgresql >&2
}

main() {
    is_there && return 0
    on_debian || go_on "tests with Postgres will be skipped: install its server (initdb, postgres) for this system"
    if ! is_root; then
        say "tests with Postgres will be skipped: it takes an administrator to install it. The one command:"
        go_on "    sudo bash $HERE/postgres.sh"
    fi
    exec 9>>"$LOCK"
    flock 9
    is_there && return 0
    say "installing postgresql"
    install || go_on "tests with Postgres will be skipped: it could not be installed; see apt-get's words above"
    is_there || go_on "tests with Postgres will be skipped: the package has no initdb under $LIBRARY"
}

main "$@"
