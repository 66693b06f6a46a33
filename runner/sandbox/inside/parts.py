"""A suite in parts: a child of its own for each, forked by a nursery that has loaded what all of them need and nothing of the repository.

A module of the launcher (Python 3.8 or newer, standard library only); the host never imports it.

The nursery runs as the launcher does and is asked over a socket: by a part's number, with its end of the report and its gate. It
forks; the fork becomes the suite's user and waits at its gate; the launcher reads from `/proc` what it may still do, and only then
lets it go on. When it has ended, and all that it started is dead, what it left is removed. Only the launcher says that a part has
begun, and how it ended.
"""

import array
import json
import os
import select
import socket
import sys
import time

import children
import force
import tree

CONTROL = 197
GRACE = 1.0
LONGEST_START = 60.0
SHARED = ("/dev/shm",)


class Refused(Exception):
    """A child may do more than it should, or nobody can tell."""


class Nursery:
    """The process that forks the children; the launcher starts another when it is gone."""

    def __init__(self, argv, env, user):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            os.dup2(theirs.fileno(), CONTROL, True)
        try:
            self.pid = children.start([sys.executable, *argv[1:]], dict(env, SEATRIAL_USER="%d:%d" % tuple(user)), "/")
        finally:
            os.close(CONTROL)
        self.alive = bool(self.hear(LONGEST_START))

    def fileno(self):
        return self._socket.fileno()

    def hear(self, seconds):
        """Its next word: empty when it says nothing in time, none when it is gone."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return {}
        try:
            said = self._socket.recv(4096)
        except OSError:
            said = b""
        self.alive = bool(said)
        return json.loads(said) if said else None

    def fork(self, number, report, gate):
        """Begin a part; the id of its process, none when the nursery is gone."""
        try:
            ends = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [report, gate]))]
            self._socket.sendmsg([b"%d" % number], ends)
        except OSError:
            self.alive = False
            return None
        said = self.hear(LONGEST_START)
        return said["pid"] if said else None


def let_go(pid, gate, wanted):
    """Let a child through its gate once it is what it must be; raises Refused."""
    gate.settimeout(LONGEST_START)
    try:
        ready = gate.recv(1)
    except OSError:
        ready = b""
    found = force.worn(force.text("/proc/%d/status" % pid) or "")
    wrong = {name: found[name] for name in found if found[name] != wanted[name]}
    if not ready or wrong:
        raise Refused("a child of the suite %s" % ("is %r" % wrong if ready else "did not come to its gate"))
    gate.send(b"g")


def carry(relay, nursery, places, deaths):
    """(wait status of the child, the first place seen full): carry what it says until it has ended."""
    full = None
    while True:
        ready = deaths.wait(0.5, nursery, *([relay] if relay.open else []))
        full = full or force.full(places)
        children.reap(0)
        if relay in ready:
            relay.take()
        elif nursery in ready:
            said = nursery.hear(0)
            return (said or {}).get("status"), full


def run_one(nursery, number, out, config, deaths):
    """(wait status, survivors, the first place seen full) of one part; the status is none when the nursery died."""
    reader, writer = os.pipe()
    gate, theirs = socket.socketpair()
    with gate:
        with theirs:
            pid = nursery.fork(number, writer, theirs.fileno())
        os.close(writer)
        relay = children.Relay(number, reader, out)
        status = full = None
        if pid:
            let_go(pid, gate, config["expected"])
            status, full = carry(relay, nursery, config["places"], deaths)
    survivors = children.linger(GRACE, nursery.pid)
    try:
        children.end_of(config["user"], nursery.pid)
    except OSError:  # no process is left to be had
        children.end_all()
        nursery.alive = False
    relay.drain()
    return status, survivors, full


def clean(folders, user):
    """Remove what a part has left; a sentence when that cannot be done."""
    changed = folders.changed()
    try:
        children.borrow(user, lambda: tree.purge([*changed, *SHARED, *folders.beside], folders.beside))
    except OSError as problem:
        return str(problem)[:500]
    folders.settle(changed)
    kept = [kind for kind in ("shm", "sem", "msg") if len((force.text("/proc/sysvipc/" + kind) or "").splitlines()) > 1]
    return "shared objects of System V (%s)" % ", ".join(kept) if kept else ""


def run_parts(config, env, out, emit, deaths):
    """(0 when every part ended with 0, how many processes outlived theirs, the first place seen full): run every part in turn."""
    folders = tree.Folders(config["work"], config["places"][1:])
    nursery, outlived, bad, out_of_room = None, 0, 0, None
    for number in range(config["parts"]):
        if nursery is None or not nursery.alive:
            nursery = Nursery(config["argv"], env, config["user"])
        emit({"k": "part", "n": number})
        began = time.monotonic()
        status, survivors, full = run_one(nursery, number, out, config, deaths)
        left = clean(folders, config["user"])
        code = None if status is None else children.code_of(status)
        emit({"k": "part end", "n": number, "status": code, "survivors": survivors, "left": left, "seconds": time.monotonic() - began})
        outlived, bad, out_of_room = outlived + survivors, bad or code != 0, out_of_room or full
    children.end_all()
    return int(bad), outlived, out_of_room
