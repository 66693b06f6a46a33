#!/usr/bin/env bash
# Makes a container engine answer: does nothing when one does, else installs Debian's docker.io and starts it.
# Safe to run twice and at the same time. Never stops or restarts a daemon, never kills a process.
set -euo pipefail

RUN_DIR=${SEATRIAL_RUN_DIR:-/var/run}
LOG=${SEATRIAL_ENGINE_LOG:-/var/log/seatrial-dockerd.log}
LOCK=${SEATRIAL_ENGINE_LOCK:-/var/lock/seatrial-engine.lock}
OS_RELEASE=${SEATRIAL_OS_RELEASE:-/etc/os-release}
SYSTEMD=${SEATRIAL_SYSTEMD_DIR:-/run/systemd/system}
SBIN=${SEATRIAL_SBIN:-/usr/sbin}
SECONDS_TO_WAIT=${SEATRIAL_ENGINE_WAIT:-60}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf 'engine: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
on_debian() { grep -Eq '^ID(_LIKE)?=.*(debian|ubuntu)' "$OS_RELEASE" 2>/dev/null; }

# Exit status 0: it answers; 1: nothing there; 2: we may not speak to it.
ask() {
    if [ -n "${DOCKER_HOST:-}" ] && [ "${DOCKER_HOST#unix://}" = "$DOCKER_HOST" ]; then
        timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
        return
    fi
    local socket=${DOCKER_HOST:-unix://$RUN_DIR/docker.sock}
    python3 -S "$HERE/ping_engine.py" "${socket#unix://}"
}

answers() { ask && return 0 || return "$?"; }

# Debian packages whose commands are missing; mmdebstrap makes a base image where no registry answers.
missing() {
    local wanted=()
    { command -v dockerd || [ -x "$SBIN/dockerd" ]; } >/dev/null || wanted+=(docker.io)
    command -v git >/dev/null || wanted+=(git)
    command -v mmdebstrap >/dev/null || wanted+=(mmdebstrap)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || wanted+=(ca-certificates)
    echo "${wanted[@]}"
}

install() {
    [ "$#" -gt 0 ] || return 0
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    # An index of packages that cannot be refreshed may still serve; the installation below decides.
    apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed; trying with the package lists that are here"
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >&2
}

process_is() { [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]; }

# A pid file of a dead process, or of another program that got its number, makes dockerd refuse to start.
drop_stale() {
    local file=$1 program=$2 pid
    [ -e "$file" ] || return 0
    pid=$(tr -cd 0-9 <"$file" || true)
    if ! process_is "$pid" "$program"; then
        say "removing $file: process ${pid:-(none)} is no $program"
        rm -f "$file"
    fi
}

mount_cgroups() {
    [ "$RUN_DIR" = /var/run ] || return 0
    [ -n "$(ls -A /sys/fs/cgroup 2>/dev/null)" ] && return 0
    say "mounting the control groups"
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || say "control groups cannot be mounted; dockerd will say more"
}

show_log() { [ ! -s "$LOG" ] || { say "the end of $LOG:"; tail -n 20 "$LOG" >&2; }; }

start() {
    if [ -d "$SYSTEMD" ]; then
        systemctl start docker || { show_log; stop "systemctl start docker failed; see journalctl -u docker"; }
        return
    fi
    drop_stale "$RUN_DIR/docker.pid" dockerd
    drop_stale "$RUN_DIR/docker/containerd/containerd.pid" containerd
    if [ -e "$RUN_DIR/docker.pid" ]; then
        say "dockerd runs already (process $(cat "$RUN_DIR/docker.pid")); waiting for it"
        return
    fi
    mount_cgroups
    mkdir -p "$(dirname "$LOG")"
    say "starting dockerd; its log is $LOG"
    local dockerd
    dockerd=$(PATH=$PATH:$SBIN command -v dockerd)
    # Its own session, nothing of this terminal, and not the lock (9), which it would hold for as long as it lives.
    PATH=$PATH:$SBIN setsid "$dockerd" </dev/null >>"$LOG" 2>&1 9>&- &
    STARTED=$!
}

wait_for_it() {
    local deadline=$((SECONDS + SECONDS_TO_WAIT))
    while [ "$SECONDS" -lt "$deadline" ]; do
        if answers; then
            say "the engine answers"
            return 0
        fi
        if [ -n "${STARTED:-}" ] && ! kill -0 "$STARTED" 2>/dev/null; then
            show_log
            stop "dockerd ended at once"
        fi
        sleep 0.5
    done
    show_log
    stop "the engine did not answer within ${SECONDS_TO_WAIT} s"
}

explain() {
    if [ -n "${DOCKER_HOST:-}" ]; then
        stop "nothing answers at DOCKER_HOST=$DOCKER_HOST; start that engine, or unset DOCKER_HOST"
    fi
    if ! on_debian; then
        stop "no container engine answers. Install Docker Engine or Podman with its Docker socket for this system, start it, and try again."
    fi
    if ! is_root; then
        say "no container engine answers, and installing one takes an administrator. The one command:"
        say "    sudo bash $HERE/engine.sh && sudo usermod -aG docker $(id -un)"
        stop "then log in again, so that the group counts"
    fi
}

# Beside an engine that answers: no reason to fail. The base image may be there already, or a registry may have one.
add_tools() {
    local packages
    on_debian || return 0
    read -ra packages <<<"$(missing | sed 's/docker\.io//')"
    [ "${#packages[@]}" -gt 0 ] || return 0
    if is_root; then
        install "${packages[@]}" || say "going on without: ${packages[*]}"
        return 0
    fi
    say "going on without ${packages[*]}; git is needed always, mmdebstrap only to make a base image where no registry answers."
    say "The one command for an administrator:"
    say "    sudo apt-get install -y ${packages[*]}"
}

main() {
    local status=0
    answers || status=$?
    if [ "$status" = 2 ]; then
        stop "the engine's socket is there, but this user may not use it: sudo usermod -aG docker $(id -un), then log in again"
    fi
    if [ "$status" = 0 ]; then
        add_tools
        return 0
    fi
    explain
    exec 9>>"$LOCK"
    flock 9
    answers && return 0
    read -ra packages <<<"$(missing)"
    install "${packages[@]}" || stop "the packages could not be installed; see apt-get's words above"
    answers || { start; wait_for_it; }
}

main "$@"
