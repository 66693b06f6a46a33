#!/usr/bin/env bash
# Makes FOLDER/seatrial, the command, from this checkout: a virtual environment with the pinned packages, by their hashes. Builds nothing.
set -euo pipefail

FOLDER=${1:?usage: ci/install.sh FOLDER}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

find_python() {
    local python
    for python in ${SEATRIAL_PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$python"
            return
        fi
    done
    echo "seatrial: no Python 3.11 or newer with its venv module was found; install one, or name it in SEATRIAL_PYTHON" >&2
    return 4
}

[ ! -x "$FOLDER/seatrial" ] || exit 0 # by an earlier step of this job
mkdir -p "$FOLDER"
cd "$FOLDER" # never a checkout, whose files could stand in for modules
python=$(find_python)
"$python" -I -m venv --clear venv
venv/bin/python -I -m pip --quiet --disable-pip-version-check --no-input \
    install --require-hashes --only-binary :all: --requirement "$ROOT/requirements/runtime.txt"
printf '%s\n' "$ROOT" >"$(venv/bin/python -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/seatrial.pth"
ln -sfn venv/bin/python python
printf '#!/bin/sh\nexec "%s/venv/bin/python" -I -m runner.cli "$@"\n' "$PWD" >seatrial.new
chmod +x seatrial.new
mv seatrial.new seatrial
