"""First process of every sandbox: says what is in force, starts the suite, carries its end out, and runs errands when it is dead.

Runs inside the container as `python3 -I -S -c SOURCE CONFIG…` (Python 3.8 or newer, standard library only); the host reads this
file as text and never imports it. It is process 1: nothing inside can kill it, and it reaps what the suite leaves behind.
Standard output is the report stream, one JSON object per line; all printing goes to standard error.
"""

import contextlib
import json
import os
import signal
import sys
import time

REPORT = 198
REFUSED = 97
GENERATED = "/opt/seatrial/generated"
CHUNK = 256 * 1024
HASHABLE = 4 * 1024 * 1024
GRACE = 1.0
MOST_TOLD = 512 * 1024
CGROUP = "/sys/fs/cgroup"


def emit(record):
    line = b"\n" + json.dumps(record).encode("ascii") + b"\n"  # a killed suite may have left half a line
    while line:
        line = line[os.write(REPORT, line) :]


def text(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace").strip()
    except OSError:
        return None


def number(*paths):
    for path in paths:
        found = text(os.path.join(CGROUP, path))
        if found is not None:
            try:
                return int(found)
            except ValueError:
                return found
    return None


def field(table, name):
    for line in (text(table) or "").splitlines():
        words = line.split()
        if len(words) > 1 and words[0].rstrip(":") == name:
            return words[1]
    return None


def cpus():
    unified = text(CGROUP + "/cpu.max")
    if unified is not None:
        quota, period = unified.split()
        return None if quota == "max" else round(int(quota) / int(period), 2)
    quota, period = number("cpu/cpu.cfs_quota_us"), number("cpu/cpu.cfs_period_us")
    return round(quota / period, 2) if isinstance(quota, int) and quota > 0 and period else None


def swap(memory):
    unified = number("memory.swap.max")
    if unified is not None:
        return unified
    both = number("memory/memory.memsw.limit_in_bytes")
    return both - memory if isinstance(both, int) and isinstance(memory, int) else None


def mounts():
    """Mount point -> (its options, those of its file system); the last mount on a point is the one seen."""
    seen = {}
    for line in (text("/proc/self/mountinfo") or "").splitlines():
        left, _, right = line.partition(" - ")
        words = left.split()
        point = words[4].encode("ascii", "replace").decode("unicode_escape")
        seen[point] = (set(words[5].split(",")), set(right.split()[-1].split(",")))
    return seen


def writable(point, options):
    system = point.startswith(("/proc", "/dev/")) or point == "/dev"
    return not system and "rw" in options[0] and "rw" in options[1] and os.access(point, os.W_OK)


def interfaces():
    """Those that are up; a kernel with tunnel modules puts dead ones into every new network namespace."""
    try:
        names = os.listdir("/sys/class/net")
    except OSError:
        return None
    return sorted(name for name in names if int(text("/sys/class/net/%s/flags" % name) or "1", 16) & 1)


def limits():
    soft = {}
    for line in (text("/proc/self/limits") or "").splitlines():
        name, values = line[:26].strip(), line[26:].split()
        if name.startswith("Max ") and values:
            soft[name[4:]] = values[0]
    return {name: soft.get(name) for name in ("open files", "file size", "core file size", "locked memory", "msgqueue size")}


def size(path):
    stats = os.statvfs(path)
    return stats.f_blocks * stats.f_frsize


def in_force(places):
    status = "/proc/self/status"
    table = mounts()
    memory = number("memory.max", "memory/memory.limit_in_bytes")
    facts = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "other groups": sorted(set(os.getgroups()) - {os.getgid()}),
        "capabilities": max(int(field(status, "Cap" + kind) or "f", 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")),
        "no new privileges": field(status, "NoNewPrivs"),
        "seccomp": field(status, "Seccomp"),
        "network": interfaces(),
        "read-only root": "ro" in table["/"][0],
        "writable places": sorted(point for point, options in table.items() if writable(point, options)),
        "memory": memory,
        "swap": swap(memory),
        "pids": number("pids.max", "pids/pids.max"),
        "cpus": cpus(),
    }
    for place in places:
        facts["options of " + place] = sorted({"nosuid", "nodev"} & table.get(place, (set(), set()))[0])
        facts["size of " + place] = size(place)
    for name, limit in limits().items():
        facts["limit of " + name] = limit
    return facts


def blob(path, algorithm):
    """The id git gives to a file or symlink."""
    import hashlib

    if os.path.islink(path):
        content = os.fsencode(os.readlink(path))
    else:
        with open(path, "rb") as file:
            content = file.read()
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


def differs(path, kind, wanted):
    """Whether a path of the working copy is not what the host wrote there; large files are compared by kind only."""
    try:
        stats = os.lstat(path)
    except OSError:
        return kind != "absent"
    form = stats.st_mode & 0o170000
    if kind in ("absent", "directory"):
        return kind == "absent" or form != 0o040000
    if form != (0o120000 if kind == "link" else 0o100000):
        return True
    if kind != "link" and bool(stats.st_mode & 0o100) is not (kind == "executable"):
        return True
    return stats.st_size <= HASHABLE and blob(path, "sha1" if len(wanted) == 40 else "sha256") != wanted


def copy_generated(source, target):
    """What the image's build generated beside the sources (a version file, compiled extensions), where the tree has nothing."""
    try:
        entries = list(os.scandir(source))
    except OSError:
        return
    for entry in entries:
        place = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if not os.path.lexists(place):
                os.mkdir(place)
            copy_generated(entry.path, place)
        elif entry.is_file(follow_symlinks=False) and not os.path.lexists(place):
            with open(entry.path, "rb") as file, open(place, "wb") as copy:
                copy.write(file.read())
            os.chmod(place, entry.stat().st_mode & 0o777)


def start(argv, env, work, report=None):
    """A child in a session of its own; with `report`, that is all it is given to write to."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        if report is not None:
            os.dup2(report, REPORT, True)
            silence = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(silence, fd, True)
        os.chdir(work)
        for name in ("SIGPIPE", "SIGXFSZ", "SIGINT"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")  # when memory runs out the suite goes, not the witness
        os.execvpe(argv[0], argv, env)
    except OSError as problem:
        os.write(2, ("cannot start %s: %s\n" % (argv[0], problem)).encode("utf-8", "replace"))
        os._exit(126 if isinstance(problem, PermissionError) else 127)
    finally:
        os._exit(126)


def full(places):
    for place in places:
        stats = os.statvfs(place)
        if not stats.f_bavail or not stats.f_favail:
            return place
    return None


def reap(child):
    """Collect the dead; the wait status of `child` when it is among them."""
    found = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not process:
            return found
        if process == child:
            found = status


def await_end(child, places):
    """(wait status, the first place seen full)."""
    out_of_room = None
    while True:
        status = reap(child)
        out_of_room = out_of_room or full(places)
        if status is not None:
            return status, out_of_room
        signal.sigtimedwait([signal.SIGCHLD], 0.5)


def others():
    found = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            stat = text("/proc/%s/stat" % name)
            found += stat is not None and stat.rpartition(")")[2].split()[:1] not in (["Z"], ["X"])
    return found


def end_all(grace):
    """Kill every other process; how many there were, those aside that ended by themselves within `grace` seconds."""
    leave_taking = time.monotonic() + grace
    while others() and time.monotonic() < leave_taking:
        reap(0)
        time.sleep(0.01)
    survivors = others()
    deadline = time.monotonic() + 10
    while others() and time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        reap(0)
        time.sleep(0.002)
    return survivors


def carry_out(path, most):
    """Send a regular file as `file` records; no other kind of file is opened for long."""
    import binascii

    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    if os.fstat(file).st_mode & 0o170000 != 0o100000:
        return
    sent = 0
    while True:
        chunk = os.read(file, CHUNK)
        sent += len(chunk)
        if sent > most:
            emit({"k": "file", "too_large": True})
            return
        emit({"k": "file", "data": binascii.b2a_base64(chunk, newline=False).decode("ascii")})
        if not chunk:
            return


def code_of(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def listen(child, reader, deadline, most):
    """(wait status or None, what was told) of a child that has until `deadline` and may tell `most` bytes."""
    import select

    told, status, heard_out = b"", None, False
    while time.monotonic() < deadline and len(told) <= most:
        status = reap(child) if status is None else status
        if heard_out:
            if status is not None:
                break
            signal.sigtimedwait([signal.SIGCHLD], 0.05)
        elif select.select([reader], [], [], 0.02 if status is None else 0)[0]:
            chunk = os.read(reader, CHUNK)
            told, heard_out = told + chunk, not chunk
        elif status is not None:  # something that it started holds the pipe open
            break
    return (status if len(told) <= most else None), told[:most]


def run_errands(errands, env, work):
    """Run each in a process group of its own; nothing of one lives to see the next."""
    import binascii

    done, room = [], MOST_TOLD
    closing = time.monotonic() + errands["total"]
    for arguments in errands["each"]:
        began = time.monotonic()
        if began >= closing or not room:
            break
        reader, writer = os.pipe()
        child = start([*errands["argv"], *arguments], dict(env, **errands["env"]), work, writer)
        os.close(writer)
        status, told = listen(child, reader, min(began + errands["seconds"], closing), room)
        took = time.monotonic() - began
        end_all(0)
        os.close(reader)
        room -= len(told)
        text = binascii.b2a_base64(told, newline=False).decode("ascii")
        done.append({"status": None if status is None else code_of(status), "seconds": took, "told": text})
    return done


def usage():
    cpu = field(CGROUP + "/cpu.stat", "usage_usec")
    nanoseconds = number("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")
    return {
        "memory_peak": number("memory.peak", "memory/memory.max_usage_in_bytes"),
        "cpu_seconds": int(cpu) / 1e6 if cpu else nanoseconds / 1e9 if isinstance(nanoseconds, int) else None,
        "pids_denied": next((int(n) for n in (field(CGROUP + p, "max") for p in ("/pids.events", "/pids/pids.events")) if n), None),
        "oom_kills": next(
            (int(n) for n in (field(CGROUP + p, "oom_kill") for p in ("/memory.events", "/memory/memory.oom_control")) if n), None
        ),
    }


def make_folder(path):
    """Make a folder for tools that do not; where that fails the missing report tells."""
    with contextlib.suppress(OSError):
        os.makedirs(path, exist_ok=True)


def main():
    os.dup2(1, REPORT, True)
    os.dup2(2, 1)
    config = json.loads("".join(sys.argv[1:]))
    work, places = config["work"], config["places"]
    facts = in_force(places)
    for path, target in config["links"]:
        os.symlink(target, os.path.join(work, path))
    wrong = [name for name, wanted in config["expected"].items() if facts.get(name) != wanted]
    foreign = [path for path, kind, wanted in config["sample"] if differs(os.path.join(work, path), kind, wanted)]
    emit({"k": "launch", "facts": facts, "wrong": wrong, "foreign": foreign, "python": sys.version.split()[0]})
    if wrong or foreign:
        os._exit(REFUSED)
    copy_generated(GENERATED, work)
    if config["report_file"]:
        make_folder(os.path.dirname(os.path.join(work, config["report_file"])))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    env = dict({"PATH": os.environ.get("PATH", os.defpath)}, **config["env"])
    env["SEATRIAL_REPORT_FD"] = str(REPORT)
    status, out_of_room = await_end(start(config["argv"], env, work), places)
    survivors = end_all(GRACE)
    used, code = usage(), code_of(status)
    if config["report_file"]:
        carry_out(os.path.join(work, config["report_file"]), config["report_limit"])
    if config["errands"]:  # only now: whatever they do to the working copy, no test sees it
        emit({"k": "over"})
        emit({"k": "errands", "done": run_errands(config["errands"], env, work)})
    emit(dict(used, k="exit", status=code, survivors=survivors, disk_full=out_of_room))
    os._exit(code)


main()
