#!/usr/bin/env bash
# Makes the virtual environment: Python >= 3.11, the pinned packages by their hashes, and the project itself, editable.
set -euo pipefail

VENV=${1:?usage: scripts/venv.sh FOLDER}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WANTED='import sys; sys.exit(sys.version_info < (3, 11))'

say() { printf 'setup: %s\n' "$*" >&2; }
on_debian() { grep -Eq '^ID(_LIKE)?=.*(debian|ubuntu)' "${SEATRIAL_OS_RELEASE:-/etc/os-release}" 2>/dev/null; }

find_python() {
    local python
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11 "${SEATRIAL_SYSTEM_PYTHON:-/usr/bin/python3}"; do
        if command -v "$python" >/dev/null && "$python" -c "$WANTED" 2>/dev/null; then
            printf '%s' "$python"
            return
        fi
    done
    return 1
}

install() {
    say "installing $1"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$1" >&2
}

update() { apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || true; }

# The newest Python that will do, with what makes virtual environments.
offered() {
    local version
    on_debian || return 0
    [ "$(id -u)" != 0 ] || update
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then
            printf 'python%s-venv' "$version"
            return
        fi
    done
}

get_python() {
    local package
    package=$(offered)
    if [ -n "$package" ] && [ "$(id -u)" = 0 ]; then
        install "$package"
        return
    fi
    if [ -n "$package" ]; then
        say "no Python 3.11 or newer was found. The one command:  sudo apt-get install -y $package"
        exit 1
    fi
    say "no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3"
    say "Debian has one from release 12 on, Ubuntu from 24.04 on (22.04: python3.11-venv from universe)."
    exit 1
}

can_make_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# Debian keeps ensurepip in a package of its own.
get_venv() {
    local package
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if ! on_debian; then
        say "$1 cannot make virtual environments: install its venv and ensurepip modules"
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        say "$1 cannot make virtual environments. The one command:  sudo apt-get install -y $package"
        exit 1
    fi
    update
    install "$package"
    can_make_venvs "$1" || { say "$package did not help"; exit 1; }
}

if ! "$VENV/bin/python" -c "$WANTED" 2>/dev/null || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || { get_python; python=$(find_python); }
    can_make_venvs "$python" || get_venv "$python"
    say "making $VENV with $("$python" --version)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
fi
say "installing the pinned packages"
pip=("$VENV/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
"${pip[@]}" install --require-hashes --requirement "$ROOT/requirements/dev.txt"
"${pip[@]}" install --no-deps --no-build-isolation --editable "$ROOT"
