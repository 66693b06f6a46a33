"""A suite in parts in the real sandbox: what a part can reach of the launcher, of the nursery, and of the parts after it."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from runner.model.sandbox import Errands, Execution
from runner.model.suite import Stop

pytestmark = pytest.mark.docker
NURSERY = resources.files("runner.trial.inside").joinpath("pytest_nursery.py").read_text()
SESSION = """
import json, os, sys
def go(settings, report):
    def say(**record): os.write(report, json.dumps(dict(record, k="t")).encode() + b"\\n")
    os.chdir("/work")
    exec(settings["program"], {"say": say, "report": report})
    sys.exit(0)
"""
Parts = Callable[..., Execution]


@pytest.fixture
def parts(run: Any) -> Parts:
    """Run programs as the parts of one job; `parts.said` is what each said."""

    def perform(*programs: str, **job: Any) -> Execution:
        given = {"session": SESSION, "settings": {}, "parts": [{"program": program} for program in programs]}
        execution = run(argv=("python3", "-I", "-S", "-c", NURSERY, json.dumps(given)), parts=len(programs), **job)
        perform.said = [{name: value for name, value in record.items() if name != "k"} for record in run.reader.records]
        return execution

    return perform


def test_each_part_has_a_process_and_an_end_of_its_own(parts: Parts) -> None:
    execution = parts("import os; say(pid=os.getpid())", "raise SystemExit(3)", "import os; say(pid=os.getpid()); os._exit(0)")
    assert [part.status for part in execution.parts] == [0, 3, 0]
    assert (execution.exit_code, execution.child_status, execution.survivors) == (1, 1, 0)
    assert len({said["pid"] for said in parts.said}) == 2


def test_a_part_runs_as_a_stranger_to_the_tree_without_any_capability(parts: Parts) -> None:
    program = """
import os
lines = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
say(uid=os.getresuid(), groups=os.getgroups(), caps=[int(lines["Cap" + kind], 16) for kind in ("Prm", "Eff", "Amb")], nnp=lines["NoNewPrivs"].strip())
say(owner=os.stat("kept.txt").st_uid)
for act in (lambda: os.setuid(0), lambda: open("kept.txt", "a"), lambda: os.remove("kept.txt"), lambda: os.rename("kept.txt", "x"), lambda: os.chmod(".", 0o777)):
    try: act(); say(done="it could")
    except OSError: say(done="")
"""
    parts(program)
    me, tree, *done = parts.said
    assert (len(set(me["uid"])), me["groups"], me["caps"], me["nnp"]) == (1, [], [0, 0, 0], "1")
    assert me["uid"][0] not in (0, tree["owner"])
    assert done == [{"done": ""}] * 5


def test_a_part_reaches_neither_launcher_nor_nursery_nor_the_report(parts: Parts) -> None:
    program = """
import os
mine = os.getpid()
for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
    if pid == mine: continue
    for name in ("mem", "environ", "fd/198", "fd/197", "fd/1"):
        try: open(f"/proc/{pid}/{name}", "r+b"); say(opened=f"{pid} {name}")
        except OSError: pass
    try: os.kill(pid, 9); say(killed=pid)
    except PermissionError: pass
held = []
for fd in os.listdir("/proc/self/fd"):
    try: held.append(os.readlink(f"/proc/self/fd/{fd}"))
    except OSError: pass
say(sockets=[name for name in held if name.startswith("socket")], pipes=len({name for name in held if name.startswith("pipe")}))
"""
    execution = parts(program, "say(alive=True)")
    assert execution.stop is Stop.EXITED
    assert parts.said[-1] == {"alive": True}
    (told,) = parts.said[:-1]
    assert told["sockets"] == []


def test_what_a_part_writes_counts_for_no_other_part(parts: Parts, run: Any) -> None:
    forge = """
import os
for line in (b'1 {"k": "t", "forged": 1}', b'{"k": "part end", "n": 1, "status": 0}', b'{"k": "exit", "status": 0}', b'{"k": "launch"}'):
    os.write(report, line + b"\\n")
raise SystemExit(5)
"""
    execution = parts(forge, "raise SystemExit(4)")
    assert [part.status for part in execution.parts] == [5, 4]
    assert [record["k"] for record in run.reader.records] == ["part end", "exit", "launch"], "the suite's words, and no record of part 1"
    assert execution.garbage == 1


def test_nothing_that_a_part_starts_outlives_it(parts: Parts) -> None:
    linger = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
os.wait()
"""
    execution = parts(linger, 'import os; say(alone=sum(name.isdigit() for name in os.listdir("/proc")))')
    assert [part.survivors for part in execution.parts] == [1, 0]
    assert parts.said == [{"alone": 3}], "the launcher, the nursery and the part itself"


def test_nothing_that_a_part_leaves_is_found_by_the_next(parts: Parts) -> None:
    leave = """
import os
os.mkdir("package"); open("package/evil.py", "w"); os.chmod("package", 0)
for path in ("sitecustomize.py", "kept.pyc", "sub/conftest.py", "/tmp/x", os.path.expanduser("~/.y"), "/dev/shm/z"): open(path, "w")
os.symlink("/", "sub/link"); os.makedirs("deep/" * 50)
"""
    look = """
import os
found = [name for top in (".", "/tmp", os.path.expanduser("~"), "/dev/shm") for name in os.listdir(top)]
say(found=sorted(found), sub=os.listdir("sub"))
"""
    execution = parts(leave, look, files={"kept.txt": b"kept\n", "sub/test.py": b""})
    assert [(part.status, part.left) for part in execution.parts] == [(0, ""), (0, "")]
    assert parts.said == [{"found": ["kept.txt", "sub"], "sub": ["test.py"]}]


def test_what_cannot_be_removed_is_said(parts: Parts) -> None:
    deep = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    execution = parts(deep, "pass")
    assert execution.parts[0].left, "a run after which something was left must not be believed"


def test_a_part_that_takes_all_processes_does_not_take_those_of_the_next(parts: Parts) -> None:
    bomb = """
import os, time
try:
    while True:
        if os.fork() == 0: time.sleep(60); os._exit(0)
except OSError: pass
os._exit(0)
"""
    execution = parts(bomb, "say(alive=True)")
    assert (execution.parts[0].survivors > 40, execution.parts[1].status, parts.said) == (True, 0, [{"alive": True}])


def test_a_part_that_stops_itself_ends_at_the_host_s_limit(parts: Parts) -> None:
    from runner.model.sandbox import Limits

    execution = parts("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "pass", limits=Limits(wall=3))
    assert (execution.stop, execution.parts) == (Stop.TIMED_OUT, ())


HEADLESS = """
import ctypes, os, threading, time
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    def work():
        while True:
            try: open("/work/planted", "w").close()
            except OSError: pass
            time.sleep(0.005)
    threading.Thread(target=work, daemon=True).start()
    ctypes.CDLL(None).syscall(60, 0)  # only the first thread ends: the process is called a zombie, and goes on
os.wait(); time.sleep(0.2)
"""


def test_a_process_that_is_called_a_zombie_and_goes_on_does_not_outlive_its_part(parts: Parts) -> None:
    look = (
        "import os, time; time.sleep(0.3); say(there=os.path.exists('planted'), alone=sum(name.isdigit() for name in os.listdir('/proc')))"
    )
    execution = parts(HEADLESS, look)
    assert [part.survivors for part in execution.parts] == [1, 0]
    assert parts.said == [{"there": False, "alone": 3}]


def test_nor_does_it_outlive_a_suite_in_one_process_or_an_errand(run: Any) -> None:
    look = "import os; os.write(198, b'%d' % sum(name.isdigit() for name in os.listdir('/proc')))"
    errands = Errands(argv=("python3", "-c"), each=((HEADLESS,), (look,)), seconds=10, total=20)
    execution = run(HEADLESS, errands=errands)
    assert execution.survivors == 1
    assert [errand.told for errand in execution.errands] == ["", "2"], "the launcher and the errand itself"


def test_the_next_part_finds_its_folders_as_they_were(parts: Parts) -> None:
    look = "import os, stat; say(modes=[oct(stat.S_IMODE(os.stat(p).st_mode)) for p in ('/tmp', os.path.expanduser('~'))])"
    parts("import os; os.chmod('/tmp', 0o500); os.chmod(os.path.expanduser('~'), 0o500)", look)
    assert parts.said == [{"modes": ["0o1777", "0o700"]}]


def test_shared_objects_that_outlive_a_part_are_said(parts: Parts) -> None:
    execution = parts("import ctypes; assert ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0", "pass")
    assert "shm" in execution.parts[0].left


def test_processes_that_a_part_makes_the_nursery_s_are_collected(parts: Parts) -> None:
    orphans = """
import ctypes
for _ in range(20):
    if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0: ctypes.CDLL(None)._exit(0)
"""
    count = "import os; say(count=sum(name.isdigit() for name in os.listdir('/proc')))"
    parts(orphans, "pass", count)
    assert parts.said == [{"count": 3}]
