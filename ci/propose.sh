#!/usr/bin/env bash
# Makes the bare repository FOLDER/repository.git with the branches `base` and `proposed`: the target branch as it is now, and what it
# would be once the change is merged. Everything is fetched and merged as objects; no file of the change is ever written out.
#
# By environment: SEATRIAL_REMOTE; SEATRIAL_BASE_REF and SEATRIAL_HEAD_REF, e.g. refs/heads/main and refs/pull/7/head;
# SEATRIAL_HEAD_SHA, the commit to judge; SEATRIAL_LOGIN, `user:token` for https, or empty.
set -euo pipefail

FOLDER=${1:?usage: ci/propose.sh FOLDER}

die() {
    echo "seatrial: $2" >&2
    exit "$1"
}

in_ours() { env GIT_TERMINAL_PROMPT=0 GIT_DIR="$FOLDER/repository.git" git -c core.hooksPath=/dev/null -c maintenance.auto=false "$@"; }

# Without the machine's settings, which may name programs that merge; attributes of the change could call them.
plainly() {
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=seatrial GIT_AUTHOR_EMAIL=seatrial@localhost \
        GIT_COMMITTER_NAME=seatrial GIT_COMMITTER_EMAIL=seatrial@localhost in_ours "$@"
}

fetched() {
    local header
    if [ -n "${SEATRIAL_LOGIN:-}" ]; then # by environment: an argument could be read by every process of this machine
        header="Authorization: Basic $(printf '%s' "$SEATRIAL_LOGIN" | base64 | tr -d '\n')"
        export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$SEATRIAL_REMOTE.extraHeader" GIT_CONFIG_VALUE_0="$header"
    fi
    in_ours fetch --quiet --no-recurse-submodules --no-write-fetch-head "$SEATRIAL_REMOTE" \
        "+$SEATRIAL_BASE_REF:refs/heads/base" "+$SEATRIAL_HEAD_REF:refs/heads/head"
}

merged() {
    local tree status=0
    tree=$(plainly merge-tree --write-tree --no-messages refs/heads/base "$SEATRIAL_HEAD_SHA") || status=$?
    case $status in
        0) ;;
        1) die 1 "the change does not merge cleanly; nothing was judged" ;;
        *) die 4 "git could not merge the change; it must be 2.38 or newer" ;;
    esac
    plainly update-ref refs/heads/proposed "$(plainly commit-tree -m "The change, merged" -p refs/heads/base -p "$SEATRIAL_HEAD_SHA" "${tree%%$'\n'*}")"
}

for ref in "$SEATRIAL_BASE_REF" "$SEATRIAL_HEAD_REF"; do
    case $ref in *[$' \t\n':+^*?[]*) die 2 "a ref has an impossible name" ;; refs/*) ;; *) die 2 "a ref is not given in full" ;; esac
done
case $SEATRIAL_HEAD_SHA in *[!0-9a-f]* | "") die 2 "the commit to judge is not given by its id" ;; esac
case $SEATRIAL_REMOTE in -* | *::* | "") die 2 "this is not the address of a repository" ;; esac

mkdir -p "$FOLDER"
cd "$FOLDER"
FOLDER=$PWD
rm -rf repository.git
git init --quiet --bare --template= --initial-branch=none repository.git
(fetched) || die 4 "the change could not be fetched"
unset SEATRIAL_LOGIN
plainly cat-file -e "$SEATRIAL_HEAD_SHA^{commit}" 2>/dev/null || die 4 "the change has moved on; a newer run judges it"
merged
