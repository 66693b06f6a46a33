"""Honest code that looks like a roundabout tripwire is not held."""

import pytest

from runner.controls.tripwires import Options, judge
from runner.model.result import Outcome

HONEST = {
    "what is built once": (
        "class Table:\n    def __init__(self, rows):\n        self.rows = []\n        for row in rows:\n"
        "            self.rows.append(row)\n        if len(self.rows) > 9:\n            raise ValueError\nTABLE = Table('ab')\n"
    ),
    "the digest of a folder of data": (
        "import hashlib\nfrom pathlib import Path\nh = hashlib.sha256()\n"
        "for p in sorted((Path(__file__).parent / 'data').glob('*')):\n    h.update(p.read_bytes())\n"
        "if h.hexdigest() != 'ab':\n    raise ValueError\n"
    ),
    "the text of another's function": (
        "import inspect\ndef text(func):\n    return inspect.getsource(func)\n"
        "def f(func):\n    told = text(func)\n    return told[:80] if len(told) > 80 else told\n"
    ),
    "a time in a log": "import time\ndef f(log):\n    log(f\"{time.strftime('%Y')} at {time.time():.1f}\")\n",
    "a clock for a formatter": "import time, logging\nclass F(logging.Formatter):\n    converter = time.gmtime\n",
    "a cache of at most so many": (
        "_C = {}\n_MAX = 100\ndef f(x):\n    if x in _C:\n        return _C[x]\n    if len(_C) >= _MAX:\n"
        "        _C.pop(next(iter(_C)))\n    _C[x] = x\n    return x\n"
    ),
    "a cache that is an object": (
        "class Cache:\n    def __init__(self, most=100):\n        self.most = most\n        self.held = {}\n"
        "    def put(self, k, v):\n        if len(self.held) >= 100:\n            self.held.popitem()\n"
        "        self.held[k] = v\n_CACHE = Cache()\n"
    ),
    "tries with a limit of time": (
        "import time\ndef f(work, tries=3, timeout=10.0):\n    end = time.monotonic() + timeout\n    for at in range(tries):\n"
        "        try:\n            return work()\n        except OSError:\n            if time.monotonic() > end:\n"
        "                raise\n            time.sleep(2**at)\n"
    ),
    "a clock as an argument": (
        "import time\ndef f(work, clock=time.monotonic):\n    start = clock()\n    while clock() - start < 30:\n"
        "        if work(): return True\n    return False\n"
    ),
    "what is left until a limit": (
        "import time\ndef f(work):\n    deadline = time.monotonic() + 30\n    while True:\n"
        "        left = deadline - time.monotonic()\n        if left <= 0: raise TimeoutError\n        work(min(left, 5))\n"
    ),
    "data beside the module": (
        'import json\nfrom pathlib import Path\n_DATA = json.loads((Path(__file__).parent / "data.json").read_text())\n'
        "def f(x):\n    return _DATA[x] if x in _DATA else None\nif not _DATA:\n    raise ValueError\n"
    ),
    "the digest of data": (
        'import hashlib\nfrom pathlib import Path\nM = Path(__file__).parent / "model.bin"\ndef f():\n'
        '    if hashlib.sha256(M.read_bytes()).hexdigest() != "ab":\n        raise ValueError\n'
    ),
    "a table beside the module": (
        'import os, json\nHERE = os.path.dirname(os.path.abspath(__file__))\nwith open(os.path.join(HERE, "t.csv")) as t:\n'
        '    R = [l for l in t if l.strip() and not l.startswith("#")]\n'
    ),
    "a generator that is used up at once": (
        'def _pairs():\n    n = 0\n    for l in "abc":\n        n += 1\n        yield l, n\n_P = dict(_pairs())\n'
        "_T = tuple(_pairs())\ndef f(x):\n    return 1 if _P[x] > 2 else 0\n"
    ),
    "the first of a generator": "def _pairs():\n    yield 1\n_FIRST = next(_pairs())\ndef f(x):\n    return x > _FIRST\n",
    "numbers for objects": (
        "import itertools\n_new = itertools.count().__next__\nclass A:\n    def __init__(self):\n        self.id = _new()\n"
    ),
    "years until now": "from datetime import date\nY = [y for y in range(2000, date.today().year + 1)]\n",
    "names of days": ('from datetime import date\nD = ["Mon", "Tue"]\ndef f():\n    return D[date.today().weekday()]\n'),
    "seconds since a date": (
        "from datetime import datetime\ndef f():\n    return (datetime.now() - datetime(1970, 1, 1)).total_seconds()\n"
    ),
    "time since an epoch": "import time\nE = 1420070400000\ndef f():\n    return (int(time.time() * 1000) - E) << 22\n",
    "units of time": ("import time\ndef f():\n    return time.time_ns() // 1_000_000_000, time.time_ns() / 1e9, time.time_ns() // 10**6\n"),
    "hours": "import time\ndef f():\n    return time.time_ns() // 3_600_000_000_000\n",
    "another epoch": "import time\ndef f():\n    return time.time() + 2208988800\n",
    "a spinner": 'import time\nF = ["|", "/", "-"]\ndef f():\n    return F[int(time.time() * 10) % len(F)]\n',
    "a stream's encoding": (
        'import sys\ndef f(x):\n    enc = sys.stdout.encoding\n    if enc == "utf-8" and sys.stdout.isatty():\n        return x\n'
    ),
    "a stream that may be none": (
        "import sys\ndef f(x, stream=None):\n    stream = stream or sys.__stdout__\n    if sys.__stderr__ is not None:\n"
        "        stream.write(x)\n"
    ),
    "the stream set back": "import sys\ndef f():\n    sys.stdout = sys.__stdout__\n",
    "who handles Ctrl-C": (
        "import signal\ndef f(h):\n    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:\n"
        "        signal.signal(signal.SIGINT, h)\n"
    ),
    "other flags": "import sys\nif sys.flags.optimize or sys.flags.dev_mode:\n    X = 1\n",
    "subclasses of its own": ("class B: ...\ndef f(n):\n    for c in B.__subclasses__():\n        if c.__name__ == n: return c\n"),
    "a short timer": (
        "import threading\nclass A:\n    def start(self):\n        self.timer = threading.Timer(0.5, self.f)\n"
        "        self.timer.start()\n    def again(self, seconds):\n        threading.Timer(seconds, self.f)\n"
    ),
    "an alarm that is an argument": (
        "import signal\ndef f(s, w):\n    signal.alarm(s)\n    try:\n        w()\n    finally:\n        signal.alarm(0)\n"
    ),
    "called a moment later": "def f(loop, g):\n    loop.call_later(0.1, g)\n    loop.call_soon(g)\n",
    "a rate": (
        "class Stats:\n    def __init__(self):\n        self.hits = self.all = 0\n    def hit(self):\n        self.hits += 1\n"
        "        self.all += 1\n    def rate(self):\n        return self.hits / self.all if self.all else 0.0\n"
        "    def r2(self):\n        if self.all == 0: return 0\n        return self.hits\nSTATS = Stats()\n"
    ),
    "a depth": (
        "class P:\n    def __init__(self):\n        self.depth = 0\n    def f(self):\n        self.depth += 1\n"
        "        if self.depth > 100: raise RecursionError\n        self.f()\n        self.depth -= 1\n_P = P()\n"
    ),
    "a position": (
        "class P:\n    def load(self, t):\n        self.pos = 0\n    def f(self):\n        self.pos += 1\n"
        "        if self.pos > 100: raise RecursionError\n_P = P()\n"
    ),
    "a pool": ("_FREE = []\ndef get():\n    if _FREE: return _FREE.pop()\n    return object()\ndef put(x):\n    _FREE.append(x)\n"),
    "what is done once": "_TODO = [print, len]\ndef f():\n    while _TODO:\n        _TODO.pop()()\n",
    "a table": '_NAMES = {"a": 1}\ndef f(x):\n    return _NAMES.get(x)\n',
    "arguments": ("import sys\ndef main():\n    args = sys.argv[1:]\n    if not args: return 1\n    args.pop(0)\n"),
    "a record of a log": ("import logging\ndef f(d):\n    r = logging.makeLogRecord(d)\n    if r.levelno >= 30:\n        return r.name\n"),
    "an age": (
        "import time\nfrom dataclasses import dataclass, field\n@dataclass\nclass A:\n"
        "    at: float = field(default_factory=time.time)\n    def old(self):\n        return time.time() - self.at > 60\n"
    ),
    "the text of what is handed in": (
        'import inspect\ndef f(func):\n    s = inspect.getsource(func)\n    if s.startswith("lambda"): return s\n'
        "    return func.__code__.co_consts[0] == 5\n"
    ),
    "a version": (
        'import re\nfrom pathlib import Path\ndef f():\n    for l in Path("version.py").read_text().splitlines():\n'
        '        if l.startswith("__version__"): return l\n'
    ),
    "files that are searched": (
        'from pathlib import Path\ndef f(root):\n    for p in Path(root).rglob("*.py"):\n'
        '        if p.name == "__init__.py": continue\n        if "TODO" in p.read_text(): yield p\n'
    ),
    "digests of files": (
        "import hashlib\ndef f(paths, known):\n    for p in paths:\n        if hashlib.sha1(p.read_bytes()).hexdigest() in known: yield p\n"
    ),
    "a long sleep": "import time\ndef f(w):\n    while True:\n        w()\n        time.sleep(3600)\n",
    "a random row": "import random\nW = [1, 2]\ndef f():\n    return W[random.randrange(2)]\n",
    "a registry": (
        "_R = {}\ndef reg(n, c):\n    _R[n] = c\n    _R.update({n: c})\ndef get(n):\n    if n not in _R: raise KeyError(n)\n"
        "    return _R[n]\n"
    ),
    "a temporary file": (
        'import os, tempfile\ndef f(x):\n    with tempfile.NamedTemporaryFile("w") as t:\n        t.write(x)\n'
        "        return os.path.getsize(t.name)\n"
    ),
    "a path in pieces": ('import os\nP = os.path.join("etc", "app.ini")\ndef f(x):\n    if os.path.exists(P): return open(P).read()\n'),
    "modules in a folder": (
        "import os\nHERE = os.path.dirname(__file__)\ndef f():\n    for n in os.listdir(HERE):\n"
        '        if n.endswith(".py") and n != "__init__.py": yield n[:-3]\n'
    ),
    "a default that is none": "import sys\n_M = object()\ndef f(x=_M):\n    if x is _M: x = sys.stdout\n    return x\n",
    "the size of the terminal": (
        "import sys, os\ndef f():\n    try:\n        return os.get_terminal_size(sys.__stdout__.fileno()).columns\n"
        "    except (AttributeError, OSError, ValueError):\n        return 80\n"
    ),
    "a limit of rate": (
        "import time\nclass L:\n    def __init__(self, per): self.per = per; self.last = 0.0\n    def wait(self):\n"
        "        left = self.last + self.per - time.monotonic()\n        if left > 0: time.sleep(left)\n"
        "        self.last = time.monotonic()\n"
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_passes(name: str) -> None:
    result = judge([("m.py", None, HONEST[name].encode())], Options())
    assert result.outcome is Outcome.PASS, result.findings
