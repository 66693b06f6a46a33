#!/usr/bin/env bash
# Judges a change in a GitHub job: annotations, step summary, outputs, report files; ends with the exit code of the check.
#
# By environment, since none of these may ever become part of a script: SEATRIAL_CHANGE, SEATRIAL_POLICY, SEATRIAL_FAIL_ON, SEATRIAL_CACHE.
set -euo pipefail

FOLDER=$RUNNER_TEMP/seatrial
REPORTS=$FOLDER/reports

die() {
    printf '::error title=Seatrial::%s\n' "$1" # fixed sentences only: what others wrote could be a command
    exit 2
}

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

output() {
    local mark
    mark=$(secret)
    printf '%s<<%s\n%s\n%s\n' "$1" "$mark" "$2" "$mark" >>"$GITHUB_OUTPUT"
}

# A policy named for a pull request is a file of its target branch, unless its path is absolute: then it is the operator's.
policy_of_base() {
    case $SEATRIAL_POLICY in
        /*) printf '%s' "$SEATRIAL_POLICY" ;;
        *)
            git --git-dir="$FOLDER/repository.git" cat-file blob "refs/heads/base:$SEATRIAL_POLICY" >"$FOLDER/policy.yaml" 2>/dev/null || return 1
            printf '%s' "$FOLDER/policy.yaml"
            ;;
    esac
}

facts() { # verdict and run id, each one word
    "$FOLDER/python" -I -c '
import json, re, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
verdict, run = report.get("verdict"), str(report.get("run") or "")
print(verdict if verdict in ("accept", "reject", "hold") else "", run if re.fullmatch("[A-Za-z0-9_-]{1,64}", run) else "", sep="|")
' "$1"
}

case ${SEATRIAL_FAIL_ON:-hold} in reject | hold) ;; *) die "the input fail-on is reject or hold" ;; esac
rm -rf "$REPORTS"
mkdir -p "$REPORTS"

policy=${SEATRIAL_POLICY:-}
if [ -z "${SEATRIAL_CHANGE:-}" ]; then
    [ -d "$FOLDER/repository.git" ] || die "this event has no pull request; name the change in the input change"
    # In full: tags of the project are fetched, too, and one that is called `base` would win over the branch.
    change=refs/heads/base..refs/heads/proposed repository=$FOLDER/repository.git where=$FOLDER
    if [ -n "$policy" ]; then policy=$(policy_of_base) || die "the target branch has no file of the name that the input policy gives"; fi
else
    change=$SEATRIAL_CHANGE repository=$GITHUB_WORKSPACE where=$GITHUB_WORKSPACE
    case $policy in
        "" | /*) ;;
        *)
            [ "${GITHUB_EVENT_NAME:-}" != pull_request ] || die "on pull_request the workspace holds the change; a policy of it would let the change judge itself"
            policy=$GITHUB_WORKSPACE/$policy
            ;;
    esac
fi
if [ -n "${SEATRIAL_CACHE:-}" ]; then
    XDG_CACHE_HOME=$(realpath -m -- "$SEATRIAL_CACHE")
    export XDG_CACHE_HOME
    mkdir -p "$XDG_CACHE_HOME"
fi

arguments=(check --repo "$repository" --fail-on "${SEATRIAL_FAIL_ON:-hold}" --format github)
for format in markdown json sarif junit; do
    arguments+=(--report "$format=$REPORTS/report.$format")
done
[ -z "$policy" ] || arguments+=(--policy "$policy")

# What is said while it works goes by the same stream as the marks around it, so that the runner obeys nothing in it.
mark=$(secret)
printf '::stop-commands::%s\n' "$mark"
code=0
(cd "$where" && exec "$FOLDER/seatrial" "${arguments[@]}" -- "$change") 3>&1 >"$REPORTS/annotations" 2>&3 </dev/null || code=$?
printf '\n::%s::\n' "$mark"
case $code in
    0 | 1 | 3) cat "$REPORTS/annotations" ;;
    *) printf '::error title=Seatrial::the change was not judged (exit code %d); the log says why\n' "$code" ;;
esac

found="|"
[ ! -s "$REPORTS/report.json" ] || found=$(facts "$REPORTS/report.json") || found="|"
output verdict "${found%%|*}"
output run-id "${found#*|}"
output exit-code "$code"
for format in markdown json sarif junit; do
    if [ -s "$REPORTS/report.$format" ]; then output "$format" "$REPORTS/report.$format"; else output "$format" ""; fi
done
[ ! -s "$REPORTS/report.markdown" ] || head -c 1000000 "$REPORTS/report.markdown" >>"$GITHUB_STEP_SUMMARY" # 1 MiB is the most a step may have
exit "$code"
