"""First process of every sandbox: says what is in force, starts the suite, carries its end out, and runs errands when it is dead.

Runs inside the container as `python3 -I -S -c SOURCES CONFIG…` (Python 3.8 or newer, standard library only); the host reads its
modules as text and never imports them. It is process 1, of another user than the suite: nothing inside can kill it or look into it,
and it reaps what the suite leaves behind. It may change users and end their processes, and nothing else; it runs nothing of the
repository. Standard output is the report stream: JSON objects, one a line, and before those that a child wrote its number.
"""

import contextlib
import json
import os
import sys
import time

import children
import force
import parts
import tree

REPORT = children.REPORT
REFUSED = 97
GENERATED = "/opt/seatrial/generated"
GRACE = 1.0
SLACK = 0.5
MOST_TOLD, MOST_TOGETHER = 512 * 1024, 16 * 1024 * 1024
"""Bytes that one errand may tell, and that all may, where half of the report has room for them."""


def out(data):
    while data:
        data = data[os.write(REPORT, data) :]


def emit(record):
    out(json.dumps(record).encode("ascii") + b"\n")


def run_whole(config, env, deaths):
    """(exit status, survivors, the first place seen full) of the suite as one child."""
    reader, writer = os.pipe()
    child = children.start(config["argv"], env, config["work"], config["user"], writer)
    os.close(writer)
    relay = children.Relay(0, reader, out)
    out_of_room, status = None, None
    while status is None:
        deaths.wait(0.5, *([relay] if relay.open else []))
        relay.take()
        status = children.reap(child)
        out_of_room = out_of_room or force.full(config["places"])
    survivors = children.linger(GRACE)
    children.end_all()
    relay.drain()
    return children.code_of(status), survivors, out_of_room


def carry_out(path, most, user):
    """Send a regular file as `file` records, read by whom the suite ran as; no other kind of file is opened for long."""
    import binascii

    reader, writer = os.pipe()
    if not os.fork():
        try:
            children.drop(user)
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            if os.fstat(file).st_mode & 0o170000 == 0o100000:
                os.write(writer, b"!")
                while os.write(writer, os.read(file, children.CHUNK)):
                    pass
        finally:
            os._exit(0)
    os.close(writer)
    sent, there = 0, os.read(reader, 1)
    while there:
        chunk = os.read(reader, children.CHUNK)
        sent += len(chunk)
        if sent > most:
            emit({"k": "file", "too_large": True})
            break
        emit({"k": "file", "data": binascii.b2a_base64(chunk, newline=False).decode("ascii")})
        if not chunk:
            break
    os.close(reader)
    children.end_all()


def listen(child, reader, deadline, most, deaths):
    """(wait status or None, what was told) of a child that has until `deadline` and may tell `most` bytes."""
    told, status, heard_out = b"", None, False
    while time.monotonic() < deadline and len(told) <= most:
        status = children.reap(child) if status is None else status
        if heard_out:
            if status is not None:
                break
            deaths.wait(0.05)
        elif deaths.wait(0.02 if status is None else 0, reader):
            chunk = os.read(reader, children.CHUNK)
            told, heard_out = told + chunk, not chunk
        elif status is not None:  # something that it started holds the pipe open
            break
    return (status if len(told) <= most else None), told[:most]


def run_errands(errands, env, work, user, room, deaths):
    """Run each in a process group of its own, and carry out what it told; nothing of one lives to see the next."""
    import binascii

    closing = time.monotonic() + errands["total"]
    each, envs = errands["each"], errands["envs"]
    for turn in errands["turns"] or range(len(each)):
        began = time.monotonic()
        if began >= closing or not room:
            break
        given = {**env, **errands["env"], **(envs[turn] if envs else {})}
        reader, writer = os.pipe()
        child = children.start([*errands["argv"], *each[turn]], given, work, user, writer, silent=True)
        os.close(writer)
        status, told = listen(child, reader, min(began + errands["seconds"], closing), min(room, MOST_TOLD), deaths)
        took = time.monotonic() - began
        children.end_all()
        os.close(reader)
        room -= len(told)
        text = binascii.b2a_base64(told, newline=False).decode("ascii")
        cut = status is None and took + SLACK < errands["seconds"] and time.monotonic() >= closing
        emit({"k": "errand", "status": None if status is None else children.code_of(status), "seconds": took, "told": text, "cut": cut})


def make_folder(path):
    """Make a folder for tools that do not; where that fails the missing report tells."""
    with contextlib.suppress(OSError):
        os.makedirs(path, exist_ok=True)


def judged(config):
    """(what is in force, what of it is not what was asked for), of the suite's user and of this process."""
    facts = children.borrow(config["user"], lambda: force.in_force(config["places"]))
    mine = force.worn(force.text("/proc/self/status") or "")
    facts.update({"supervisor's " + name: mine[name] for name in ("uid", "capabilities", "no new privileges", "seccomp")})
    return facts, [name for name, wanted in config["expected"].items() if facts.get(name) != wanted]


def complete(config):
    """What the host could not write into the working copy, and what the image has for it."""
    for path, target in config["links"]:
        os.symlink(target, os.path.join(config["work"], path))
    tree.copy_generated(GENERATED, config["work"])


def main():
    os.dup2(1, REPORT, False)
    os.dup2(2, 1)
    config = json.loads("".join(sys.argv[2:]))
    work, user = config["work"], config["user"]
    facts, wrong = judged(config)
    foreign = [path for path, kind, wanted in config["sample"] if tree.differs(os.path.join(work, path), kind, wanted)]
    emit({"k": "launch", "facts": facts, "wrong": wrong, "foreign": foreign, "python": sys.version.split()[0]})
    if wrong or foreign:
        os._exit(REFUSED)
    children.borrow(config["owner"], lambda: complete(config))
    report_file = os.path.join(work, config["report_file"]) if config["report_file"] else None
    if report_file:
        children.borrow(user, lambda: make_folder(os.path.dirname(report_file)))
    deaths = children.Deaths()
    env = dict({"PATH": os.environ.get("PATH", os.defpath)}, **config["env"])
    env["SEATRIAL_REPORT_FD"] = str(REPORT)
    try:
        code, survivors, out_of_room = (
            parts.run_parts(config, env, out, emit, deaths) if config["parts"] else run_whole(config, env, deaths)
        )
    except parts.Refused as problem:
        emit({"k": "refused", "why": str(problem)})
        os._exit(REFUSED)
    used = force.usage()
    if report_file:
        carry_out(report_file, config["report_limit"], user)
    if config["errands"]:  # only now: whatever they do to the working copy, no test sees it
        emit({"k": "over"})
        run_errands(config["errands"], env, work, user, min(MOST_TOGETHER, config["report_limit"] // 2), deaths)
    emit(dict(used, k="exit", status=code, survivors=survivors, disk_full=out_of_room))
    os._exit(code)


main()
