#!/usr/bin/env bash
# Writes requirements/*.txt anew: the newest versions that pyproject.toml allows, with hashes and without any index address.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
"${PYTHON:-python3}" -m venv "$SCRATCH/venv"
"$SCRATCH/venv/bin/pip" --quiet install uv

compile() {
    local file=$1
    shift
    (cd "$ROOT" && "$SCRATCH/venv/bin/uv" --quiet pip compile "$@" --universal --python-version 3.11 --upgrade \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --output-file "$SCRATCH/$file")
    if grep -n '://\|^-' "$SCRATCH/$file"; then
        echo "lock: $file would name an address or an option; nothing was changed" >&2
        exit 1
    fi
    { echo "# Written by \`make lock\` from pyproject.toml; do not edit."; cat "$SCRATCH/$file"; } >"$ROOT/requirements/$file"
}

compile runtime.txt pyproject.toml
compile server.txt pyproject.toml --extra server --extra postgres
compile dev.txt pyproject.toml --group dev
compile bench.txt --group bench
