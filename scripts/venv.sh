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
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$python" >/dev/null && "$python" -c "$WANTED" 2>/dev/null; then
            printf '%s' "$python"
            return
        fi
    done
    say "no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3"
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
    say "installing $package"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || true
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$package" >&2
    can_make_venvs "$1" || { say "$package did not help"; exit 1; }
}

if ! "$VENV/bin/python" -c "$WANTED" 2>/dev/null || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    can_make_venvs "$python" || get_venv "$python"
    say "making $VENV with $("$python" --version)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
fi
say "installing the pinned packages"
pip=("$VENV/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
"${pip[@]}" install --require-hashes --requirement "$ROOT/requirements/dev.txt"
"${pip[@]}" install --no-deps --no-build-isolation --editable "$ROOT"
