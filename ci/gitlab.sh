#!/usr/bin/env bash
# Judges a merge request in a GitLab job; reports go to seatrial-report/ of the project folder. Ends with the exit code of the check.
# The folder given as the first argument, e.g. that of this script's checkout, is removed at the end.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER" "${1:-$FOLDER}"' EXIT
REPORTS=$CI_PROJECT_DIR/seatrial-report

case ${SEATRIAL_FAIL_ON:-hold} in reject | hold) ;; *) echo "seatrial: SEATRIAL_FAIL_ON is reject or hold" >&2 && exit 2 ;; esac
case $CI_MERGE_REQUEST_IID in *[!0-9]* | "") echo "seatrial: this pipeline has no merge request" >&2 && exit 2 ;; esac
"$HERE/install.sh" "$FOLDER"

login=${CI_JOB_TOKEN:+gitlab-ci-token:$CI_JOB_TOKEN}
unset CI_JOB_TOKEN CI_REPOSITORY_URL CI_REGISTRY_PASSWORD CI_DEPLOY_PASSWORD
SEATRIAL_LOGIN=$login SEATRIAL_REMOTE=$CI_SERVER_URL/$CI_MERGE_REQUEST_PROJECT_PATH.git \
    SEATRIAL_BASE_REF=refs/heads/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME SEATRIAL_HEAD_REF=refs/merge-requests/$CI_MERGE_REQUEST_IID/head \
    SEATRIAL_HEAD_SHA=${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-$CI_COMMIT_SHA} "$HERE/propose.sh" "$FOLDER"

arguments=(check --repo "$FOLDER/repository.git" --fail-on "${SEATRIAL_FAIL_ON:-hold}")
case ${SEATRIAL_POLICY:-} in
    "") ;;
    /*) arguments+=(--policy "$SEATRIAL_POLICY") ;;
    *)
        if ! git --git-dir="$FOLDER/repository.git" cat-file blob "refs/heads/base:$SEATRIAL_POLICY" >"$FOLDER/policy.yaml" 2>/dev/null; then
            echo "seatrial: the target branch has no file of the name that SEATRIAL_POLICY gives" >&2
            exit 2
        fi
        arguments+=(--policy "$FOLDER/policy.yaml")
        ;;
esac
if [ -n "${SEATRIAL_CACHE:-}" ]; then
    XDG_CACHE_HOME=$(realpath -m -- "$SEATRIAL_CACHE")
    export XDG_CACHE_HOME
    mkdir -p "$XDG_CACHE_HOME"
fi
rm -rf "$REPORTS"
mkdir "$REPORTS"
for format in markdown json sarif junit; do
    arguments+=(--report "$format=$FOLDER/report.$format")
done
cd "$FOLDER"
code=0
# In full: tags of the project are fetched, too, and one that is called `base` would win over the branch.
"$FOLDER/seatrial" "${arguments[@]}" -- refs/heads/base..refs/heads/proposed </dev/null || code=$?
for pair in markdown:md json:json sarif:sarif junit:xml; do
    [ ! -e "$FOLDER/report.${pair%:*}" ] || cp "$FOLDER/report.${pair%:*}" "$REPORTS/report.${pair#*:}"
done
exit "$code"
