"""Patched code that runs in the process of one test file, and would forge the results of another, or the end of the session.

Every attack comes with a bug that `tests/test_quay.py` sees, and acts while `tests/test_keel.py` runs, which comes before it; its
honest twin changes the same file. Layers that read the change are left out of the question: what the trial answers must be enough.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.run import Run
from testing.whole import ROOT, answers

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
QUAY = (ROOT / "examples/berth/src/berth/quay.py").read_text()
KEEL = (ROOT / "examples/berth/src/berth/keel.py").read_text()
BUG = QUAY.replace("berth.length < ship_length", "berth.length <= ship_length")
EXACT = "tests/test_quay.py::test_an_exact_fit_is_a_fit"
TRIAL = ("tests", "inventory", "channels", "own-tests", "origin", "base")
_HERE = "import sys\nif any('test_keel' in str(frame.f_locals.get('path', '')) for frame in iter_frames()):\n"
_FRAMES = """
import sys
def iter_frames():
    frame = sys._getframe()
    while frame: yield frame; frame = frame.f_back
"""
_SAY = """
import json, os
def say(*records, mark=b""):
    for fd in map(int, os.listdir("/proc/self/fd")):
        try: target = os.readlink("/proc/self/fd/%d" % fd)
        except OSError: continue
        if target.startswith("pipe:"):
            for record in records:
                try: os.write(fd, b"\\n" + mark + json.dumps(record).encode() + b"\\n")
                except OSError: pass
"""
_FORGED = f'{{"k": "collected", "path": "tests/test_quay.py", "ids": ["{EXACT}"]}}, {{"k": "start", "id": "{EXACT}"}}, {{"k": "test", "id": "{EXACT}", "outcome": "passed"}}'
_FLIP = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.outcome, report.longrepr = "passed", None
"""
WRITES = {
    "records of the other file": f"say({_FORGED})",
    "records with the other file's mark": f"say({_FORGED}, mark=b'1 ')",
    "the other file's end in the launcher's words": 'say({"k": "part end", "n": 1, "status": 0, "survivors": 0, "left": "", "seconds": 0.1})',
    "the container's end in the launcher's words": 'say({"k": "exit", "status": 0, "survivors": 0})',
}
LEAVES = {
    "a conftest for the other file": f"open('tests/conftest.py', 'w').write({_FLIP!r})",
    "a conftest above": f"open('conftest.py', 'w').write({_FLIP!r})",
    "sitecustomize": "open('src/sitecustomize.py', 'w').write('import os; os._exit(0)')",
    "a stand-in for the module under test": "os.makedirs('tests/berth', exist_ok=True); open('tests/berth/__init__.py', 'w').write('1/0')",
    "bytecode": (
        "import importlib.util, py_compile; "
        f"open('/tmp/quay.py', 'w').write({QUAY!r}); os.makedirs('src/berth/__pycache__', exist_ok=True); "
        "py_compile.compile('/tmp/quay.py', importlib.util.cache_from_source('src/berth/quay.py'), "
        "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
    ),
    "an edited test": "open('tests/test_quay.py', 'w').write('def test_an_exact_fit_is_a_fit(): pass')",
    "another test in its place": (
        "os.rename('tests/test_quay.py', 'tests/gone.py'); open('tests/test_quay.py', 'w').write('def test_an_exact_fit_is_a_fit(): pass')"
    ),
    "a mended source": f"open('src/berth/quay.py', 'w').write({QUAY!r})",
    "settings in HOME": "os.makedirs(os.path.expanduser('~/.config'), exist_ok=True); open(os.path.expanduser('~/.pytest.ini'), 'w').write('')",
}
OUTLIVES = {
    "a daemon that writes records": (
        "import time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
        f"    for _ in range(100):\n        say({_FORGED}); time.sleep(0.1)\n    os._exit(0)\n"
    ),
    "a daemon that mends the source": (
        "import time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
        f"    for _ in range(100):\n        try: open('src/berth/quay.py', 'w').write({QUAY!r})\n        except OSError: pass\n        time.sleep(0.1)\n"
    ),
    "a process that is called a zombie and plants a conftest": (
        "import ctypes, threading, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
        "    def plant():\n"
        "        while True:\n"
        f"            try: open('/work/conftest.py', 'w').write({_FLIP!r})\n"
        "            except OSError: pass\n"
        "            time.sleep(0.002)\n"
        "    threading.Thread(target=plant, daemon=True).start()\n    ctypes.CDLL(None).syscall(60, 0)\n"
        "os.wait(); time.sleep(0.2)\n"
    ),
    "whoever kills all processes in reach": "import signal\nfor pid in [1, *(int(name) for name in os.listdir('/proc') if name.isdigit())]:\n"
    "    if pid != os.getpid():\n        try: os.kill(pid, signal.SIGKILL)\n        except OSError: pass\n",
}
ATTACKS = {**WRITES, **LEAVES, **OUTLIVES}


def attack(code: str) -> str:
    """The module of the change with an attack that acts in the process of `tests/test_keel.py`."""
    inner = "\n".join(f"    {line}" for line in (*_SAY.splitlines(), "def act():", *(f"    {line}" for line in code.splitlines())))
    tail = "    try: act()\n    except OSError: pass\n"
    return f"{KEEL}\n{_FRAMES}\n{_HERE}{inner}\n{tail}"


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_on_another_file_or_the_session_s_end_is_accepted(
    name: str, judged: Callable[..., Run], diff: Callable[[dict[str, str | None]], Path]
) -> None:
    run = judged(diff({"src/berth/quay.py": BUG, "src/berth/keel.py": attack(ATTACKS[name])}))
    found = answers(run)
    assert found["isolation"] == "pass", run.results
    assert "fail" in {found[check] for check in ("tests", "inventory")} or found["channels"] == "unknown", found
    assert run.level.startswith("per-file")


def test_the_attacks_act_where_they_should(judged: Callable[..., Run], diff: Callable[[dict[str, str | None]], Path]) -> None:
    """An attack that never runs would prove nothing."""
    run = judged(diff({"src/berth/keel.py": attack("import os; os._exit(3)")}))
    assert answers(run)["inventory"] != "pass", run.results
    assert {pair.path for pair in run.tests.missing} == {"tests/test_keel.py"} if run.tests else False


def test_the_honest_twin_is_accepted(judged: Callable[..., Run], diff: Callable[[dict[str, str | None]], Path]) -> None:
    changed = {
        "src/berth/quay.py": QUAY.replace("best = None", "best = None  # none yet"),
        "src/berth/keel.py": f"{KEEL}\nMARGIN = SAFETY\n",
    }
    run = judged(diff(changed))
    assert run.decision is not None
    assert run.decision.verdict == "accept", run.results
