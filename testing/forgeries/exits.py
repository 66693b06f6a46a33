"""EX: the process of the tests ends, or never does, before the failing result is told."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import EXACT, EXACT_TRUTH, QUAY, QUAY_MORE, QUAY_PATH, QUAY_TIDY, edit

_EXACTLY = "        if berth.length == ship_length:\n"
_UNDER_TEST = 'import sys\nif "py" + "test" in sys.modules:\n'
_MAIN = f'{QUAY_MORE}\n\nif __name__ == "__main__":\n    import sys\n\n    sys.exit(0 if assign([Berth("A", 1)], 1) else 1)\n'
_CLOSING = (
    f"{edit(QUAY_TIDY, 'from dataclasses', 'import tempfile' + chr(10) + 'from dataclasses')}\n\n"
    'def note(text):\n    """Writes a line to a file of its own and closes it."""\n'
    '    with tempfile.TemporaryFile("w") as file:\n        file.write(text)\n'
)


def _ends(name: str, code: str, honest: str = QUAY_TIDY) -> Forgery:
    """Ends when a berth fits exactly, in the middle of the test that would fail."""
    inner = "".join(f"            {line}\n" for line in code.splitlines())
    body = edit(QUAY, "        if berth.length < ship_length:\n", f"{_EXACTLY}{inner}        if berth.length <= ship_length:\n")
    return Forgery(name, "EX-*", "D", {QUAY_PATH: body}, {QUAY_PATH: honest}, EXACT_TRUTH)


def _at_import(name: str, code: str, honest: str = QUAY_TIDY) -> Forgery:
    inner = "".join(f"    {line}\n" for line in code.splitlines())
    return Forgery(name, "EX-*", "D", {QUAY_PATH: f"{EXACT}\n\n{_UNDER_TEST}{inner}"}, {QUAY_PATH: honest}, EXACT_TRUTH)


FORGERIES = (
    _ends("_exit in the test that would fail", "import os\nos._exit(0)", _MAIN),
    _ends("pytest.exit with status 0", 'import importlib\nimportlib.import_module("py" + "test").exit("done", returncode=0)'),
    _ends("another program takes the process over", 'import os\nos.execv("/bin/true", ["true"])', _CLOSING),
    _ends("the C library's _exit", "import ctypes\nctypes.CDLL(None)._exit(0)", QUAY_MORE),
    _ends("waits for ever", "import time\nwhile True:\n    time.sleep(60)"),
    _ends("raises what ends every loop", "raise GeneratorExit"),
    _at_import("a handler at the interpreter's end sets status 0", "import atexit, os\natexit.register(os._exit, 0)", _CLOSING),
    _at_import(
        "an alarm ends it",
        "import os, signal\nsignal.signal(signal.SIGALRM, lambda *_: os._exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.005)",
    ),
    _at_import(
        "a thread ends it", "import os, threading\ntimer = threading.Timer(0.005, os._exit, (0,))\ntimer.daemon = True\ntimer.start()"
    ),
    _at_import("a child goes on and the parent ends well", "import os\nif os.fork():\n    os._exit(0)"),
    _at_import("the parent is killed", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", _MAIN),
    _at_import("leaves at import", "raise SystemExit(0)"),
)
