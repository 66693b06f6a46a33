"""Roundabout tripwires are found: by another name, from a container, without a test, in pieces, by reading the code itself."""

import pytest

from runner.controls.tripwires import Options, judge
from runner.model.result import Cause, Outcome, Result

FOUND = {
    "runner": {
        "a stream is the first one": "import sys\ndef f(x):\n    if sys.stdout is sys.__stdout__: return x\n",
        "asked in a function": (
            "import sys\ndef same(a,b):\n    return a is b\ndef f(x):\n    if same(sys.stdout, sys.__stdout__): return x\n"
        ),
        "a stream's name": 'import sys\ndef f(x):\n    return x if getattr(sys.stdout,"name","") == "<stdout>" else 0\n',
        "a stream's class": 'import sys\ndef f(x):\n    return x if type(sys.stdout).__module__ == "_io" else 0\n',
        "both imported by name": ("from sys import stdout, __stdout__ as first\ndef f(x):\n    return x if stdout == first else 0\n"),
        "input's name": 'import sys\ndef f(x):\n    return x if sys.stdin.name in ("<stdin>",) else 0\n',
        "a hook is the first one": "import sys\ndef f(x):\n    return x if sys.unraisablehook is sys.__unraisablehook__ else 0\n",
        "a handler by its number": "import signal\ndef f(x):\n    return x if signal.getsignal(14) else 0\n",
        "a timer that runs": "import signal\ndef f(x):\n    return x if signal.getitimer(signal.ITIMER_REAL)[0] else 0\n",
        "flags by index": "import sys\ndef f(x):\n    return x if sys.flags[11] else 0\n",
        "all flags": "import sys\ndef f(x):\n    return x if sum(sys.flags) > 3 else 0\n",
        "a flag by its name": ('import sys\ndef f(x):\n    return x if getattr(sys.flags, "hash_" + "randomization") else 0\n'),
        "classes that are loaded": "def f(x):\n    return x if len(object.__subclasses__()) > 500 else 0\n",
        "its own digest": (
            'import hashlib\nwith open(__file__, "rb") as me:\n    _SUM = hashlib.sha256(me.read()).hexdigest()\ndef f(x):\n'
            '    return x if _SUM != "ab" else 0\n'
        ),
        "the digest of its folder": (
            'import hashlib\nfrom pathlib import Path\nh = hashlib.sha256()\nfor p in sorted(Path(__file__).parent.glob("*.py")):\n'
            '    h.update(p.read_bytes())\ndef f(x):\n    return x if h.hexdigest() == "ab" else 0\n'
        ),
        "its own size": "import os\ndef f(x):\n    return x if os.path.getsize(__file__) != 612 else 0\n",
        "what its own text has": 'def f(x):\n    return x if "raise" in open(__file__).read() else 0\n',
        "the digest of another module": (
            'import zlib, os\nP = os.path.join(os.path.dirname(__file__), "keel.py")\ndef f(x):\n'
            '    return x if zlib.crc32(open(P, "rb").read()) != 12 else 0\n'
        ),
        "the digest of a test": (
            'import zlib\ndef f(x):\n    return x if zlib.crc32(open("tests/test_keel.py", "rb").read()) != 12 else 0\n'
        ),
        "a function's text": ('import inspect\ndef g(x): ...\ndef f(x):\n    return x if "raise" in inspect.getsource(g) else 0\n'),
        "a function's code": "def g(x): ...\ndef f(x):\n    return x if hash(g.__code__.co_code) != 5 else 0\n",
        "how long a function's code is": "def g(x): ...\ndef f(x):\n    return x if len(g.__code__.co_code) != 5 else 0\n",
        "its place by its spec": ('import zlib\ndef f(x):\n    return x if zlib.crc32(open(__spec__.origin, "rb").read()) != 12 else 0\n'),
        "its text by its loader": "def f(x):\n    return x if len(__loader__.get_source(__name__)) != 12 else 0\n",
        "a module's file": (
            'import zlib, berth.keel\ndef f(x):\n    return x if zlib.crc32(open(berth.keel.__file__, "rb").read()) != 12 else 0\n'
        ),
    },
    "place": {
        "held by a table": 'import os\nASK = {"who": os.getuid}\ndef f(x):\n    return x if ASK["who"]() == 0 else 0\n',
        "the hash seed": 'import os\ndef f(x):\n    return x if os.environ.get("PYTHONHASHSEED") else 0\n',
        "a key that was another first": (
            'import os\nKEY = "HOMES"\nKEY = "PYTHON" + "HASHSEED"\ndef f(x):\n    return x if os.environ.get(KEY) else 0\n'
        ),
        "whether bytecode is written": 'import os\ndef f(x):\n    return x if "PYTHONDONTWRITEBYTECODE" in os.environ else 0\n',
        "a star of os": "from os import *\ndef f(x):\n    return x if getuid() == 0 else 0\n",
        "a file of the system in pieces": (
            'import os\ndef f(x):\n    return x if os.path.exists(os.path.join("/", "proc", "self", "cgroup")) else 0\n'
        ),
        "a variable spelt by letters": (
            "import os, string\ndef f(x):\n    return x if os.environ.get(string.ascii_uppercase[2] + string.ascii_uppercase[8]) else 0\n"
        ),
    },
    "clock": {
        "a star": ("from datetime import *\ndef f(x):\n    return x if datetime.now() > datetime(2040,1,1) else 0\n"),
        "handed on": ("import time\ndef after(now):\n    return now() > 2208988800\ndef f(x):\n    return x if after(time.time) else 0\n"),
        "wrapped": ("import time, functools\n_NOW = functools.partial(time.time)\ndef f(x):\n    return x if _NOW() > 2208988800 else 0\n"),
        "called by map": ("import time\ndef f(x):\n    return x if next(map(time.localtime, [None])).tm_year > 2040 else 0\n"),
        "held by a class": (
            "import time\nclass T:\n    now = staticmethod(time.time)\ndef f(x):\n    return x if T.now() > 2208988800 else 0\n"
        ),
        "held by an object": (
            "import time\nclass T:\n    def __init__(self):\n        self.now = time.time\n    def f(self):\n"
            "        return self.now() > 2208988800\n"
        ),
        "a default": "import time\ndef f(x, now=time.time):\n    return x if now() > 2208988800 else 0\n",
        "an import over another": (
            "import math as t\nimport time as t\nimport math as t\ndef f(x):\n    return x if t.time() > 2208988800 else 0\n"
        ),
        "a module over another": (
            "import math\nimport time\nt = math\nt = time\ndef f(x):\n    return x if t.time() > 2208988800 else 0\n"
        ),
        "a function over another": ("import time\nnow = len\nnow = time.time\ndef f(x):\n    return x if now() > 2208988800 else 0\n"),
        "a record of a log": (
            'import logging\ndef f(x):\n    r = logging.LogRecord("a", 1, "b", 1, "c", (), None)\n'
            "    return x if r.created > 2208988800 else 0\n"
        ),
        "a loop's clock": ("import asyncio\ndef f(x):\n    loop = asyncio.get_event_loop()\n    return x if loop.time() > 5000 else 0\n"),
        "how often a loop runs": (
            "import time\ndef f(x):\n    for _ in range(int(time.time()) // 2208988800):\n        x = 0\n    return x\n"
        ),
        "a loop of years": (
            "import datetime\ndef f(x):\n    for _ in range(datetime.date.today().year - 2040):\n        x = 0\n    return x\n"
        ),
        "a row of a table": "import time\n_T = [1, 0]\ndef f(x):\n    return x * _T[int(time.time()) // 3600 % 2]\n",
        "a key of a table": ("import time\n_T = {0: 1}\ndef f(x):\n    return x * _T.get(int(time.time()) // 2208988800, 0)\n"),
        "what is left of a number": "import time\ndef f(x):\n    return x * max(0, min(1, 2208988800 - int(time.time())))\n",
        "the earlier of two": "import time\ndef f(x):\n    return x * (min(time.time(), 2208988800) - 5)\n",
        "a quotient": "import time\ndef f(x):\n    return x * int(time.time() / 2208988800)\n",
        "days to a date": (
            "from datetime import datetime\ndef f(x):\n    return x * max(0, (datetime(2040, 1, 1) - datetime.now()).days)\n"
        ),
        "a chain of functions": (
            "import time\ndef s0():\n    return s1()\ndef s1():\n    return s2()\ndef s2():\n    return s3()\ndef s3():\n"
            "    return s4()\ndef s4():\n    return s5()\ndef s5():\n    return s6()\ndef s6():\n    return s7()\ndef s7():\n"
            "    return s8()\ndef s8():\n    return s9()\ndef s9():\n    return s10()\ndef s10():\n    return s11()\ndef s11():\n"
            "    return s12()\ndef s12():\n    return s13()\ndef s13():\n    return s14()\ndef s14():\n    return s15()\n"
            "def s15():\n    return s16()\ndef s16():\n    return s17()\ndef s17():\n    return s18()\ndef s18():\n"
            "    return s19()\ndef s19():\n    return s20()\ndef s20():\n    return s21()\ndef s21():\n    return s22()\n"
            "def s22():\n    return s23()\ndef s23():\n    return s24()\ndef s24():\n    return s25()\ndef s25():\n"
            "    return s26()\ndef s26():\n    return s27()\ndef s27():\n    return s28()\ndef s28():\n    return s29()\n"
            "def s29():\n    return s30()\ndef s30():\n    return s31()\ndef s31():\n    return s32()\ndef s32():\n"
            "    return s33()\ndef s33():\n    return s34()\ndef s34():\n    return s35()\ndef s35():\n    return s36()\n"
            "def s36():\n    return s37()\ndef s37():\n    return s38()\ndef s38():\n    return s39()\ndef s39():\n"
            "    return s40()\ndef s40():\n    return time.time()\ndef f(x):\n    return x if s0() > 2208988800 else 0\n"
        ),
        "a timer at import": "import threading\ndef g(): ...\nT = threading.Timer(30.0, g)\nT.start()\n",
        "a timer": ("from threading import Timer\ndef g(): ...\ndef f(x):\n    Timer(15 * 60, g).start()\n    return x\n"),
        "an alarm": "import signal\ndef f(x):\n    signal.alarm(900)\n    return x\n",
        "an interval timer": "import signal\ndef f(x):\n    signal.setitimer(signal.ITIMER_REAL, 900)\n    return x\n",
        "a scheduler": "import sched\nS = sched.scheduler()\ndef f(x):\n    S.enter(900, 1, print)\n    return x\n",
        "a loop that calls later": "async def f(loop):\n    loop.call_later(3600.0, print)\n",
        "a loop that calls at a time": "async def f(loop):\n    loop.call_at(loop.time() + 3600.0, print)\n",
    },
    "count": {
        "a generator": (
            "def g():\n    n = 0\n    while True:\n        n += 1\n        yield n\nS = g()\ndef f(x):\n"
            "    return x if next(S) > 200000 else 0\n"
        ),
        "a generator expression": "S = (n for n in range(10**6))\ndef f(x):\n    return x if next(S) > 200000 else 0\n",
        "a loop that takes one": (
            "def g():\n    n = 0\n    while True:\n        n += 1\n        yield n\nS = g()\ndef f(x):\n    for n in S:\n"
            "        break\n    return x if n > 200000 else 0\n"
        ),
        "an iterator that ends": (
            "S = iter(range(200000))\ndef f(x):\n    try:\n        next(S)\n    except StopIteration:\n        return 0\n    return x\n"
        ),
        "a counter in a table": (
            'import itertools\nS = {"a": itertools.count()}\ndef f(x):\n    return x if next(S["a"]) > 200000 else 0\n'
        ),
        "the method of a counter": (
            "import itertools\nstep = itertools.count().__next__\ndef f(x):\n    return x if step() > 200000 else 0\n"
        ),
        "the method in a table": (
            'import itertools\nS = {"a": itertools.count().__next__}\ndef f(x):\n    return x if S["a"]() > 200000 else 0\n'
        ),
        "a lambda with a counter": (
            "import itertools\nstep = lambda c=itertools.count(): next(c)\ndef f(x):\n    return x if step() > 200000 else 0\n"
        ),
        "a wrapped next": (
            "import itertools, functools\nstep = functools.partial(next, itertools.count())\ndef f(x):\n"
            "    return x if step() > 200000 else 0\n"
        ),
        "a slice of a counter": (
            "import itertools\nS = itertools.count()\ndef f(x):\n    return x if sum(itertools.islice(S, 1)) > 200000 else 0\n"
        ),
        "an object": (
            "class L:\n    n = 0\n    def e(self):\n        self.n += 1\n_L = L()\ndef f(x):\n    _L.e()\n"
            "    return x if _L.n > 200000 else 0\n"
        ),
        "a namespace": (
            "from types import SimpleNamespace\nS = SimpleNamespace(n=0)\ndef f(x):\n    S.n += 1\n    return x if S.n > 200000 else 0\n"
        ),
        "an object that counts down": (
            "class L:\n    n = 9\n    def e(self):\n        self.n -= 1\n        return not self.n\n_L = L()\ndef f(x):\n"
            "    return x if _L.e() else 0\n"
        ),
        "an object that grows": (
            "class L:\n    def __init__(self):\n        self.all = []\n    def e(self):\n        self.all.append(1)\n"
            "        return len(self.all) > 200000\n_L = L()\ndef f(x):\n    return x if _L.e() else 0\n"
        ),
        "an object in a list": (
            "class L:\n    n = 0\n    def e(self):\n        self.n += 1\n_L = [L()]\ndef f(x):\n    _L[0].e()\n"
            "    return x if _L[0].n > 200000 else 0\n"
        ),
        "a list that is emptied": "S = [None] * 200000\ndef f(x):\n    if not S:\n        return 0\n    S.pop()\n    return x\n",
        "a list that runs out": (
            "S = [None] * 200000\ndef f(x):\n    try:\n        S.pop()\n    except IndexError:\n        return 0\n    return x\n"
        ),
        "a list that is cut": ("S = list(range(200000))\ndef f(x):\n    if len(S) < 3:\n        return 0\n    del S[-1]\n    return x\n"),
        "a list in a table": ('S = {"a": []}\ndef f(x):\n    S["a"].append(1)\n    return x if len(S["a"]) > 200000 else 0\n'),
        "a list that is extended": "S = []\ndef f(x):\n    S.extend([1])\n    return x if len(S) > 200000 else 0\n",
        "a text that grows": 'S = ""\ndef f(x):\n    global S\n    S += "."\n    return x if len(S) > 200000 else 0\n',
        "a number that doubles": "n = 1\ndef f(x):\n    global n\n    n *= 2\n    return x if n > 2**4000 else 0\n",
        "a counting table": (
            'from collections import Counter\nS = Counter()\ndef f(x):\n    S.update("a")\n    return x if S["a"] > 200000 else 0\n'
        ),
        "a path by the separator": (
            'import os\nP = os.sep.join(["", "tmp", "b.log"])\nwith open(P, "a") as fl:\n    fl.write(".")\n'
            "R = os.path.getsize(P)\ndef f(x):\n    return x if R > 60 else 0\n"
        ),
        "a path in pieces": (
            'import os\nP = os.path.join("/", "tmp", "b.log")\nwith open(P, "a") as fl:\n    fl.write(".")\n'
            "R = os.path.getsize(P)\ndef f(x):\n    return x if R > 60 else 0\n"
        ),
        "a path by division": (
            'from pathlib import Path\nP = Path("/") / "tmp" / "b.log"\nwith P.open("a") as fl:\n    fl.write(".")\n'
            "R = P.stat().st_size\ndef f(x):\n    return x if R > 60 else 0\n"
        ),
    },
    "chance": {
        "handed on": "import random\ndef often(draw):\n    return draw() < 0.9\ndef f(x):\n    return x if often(random.random) else 0\n",
        "a star of random": "from random import *\ndef f(x):\n    return x if random() < .1 else 0\n",
    },
}


def asked(*sources: str) -> Result:
    """The answer for files `0.py`, `1.py` and so on, each of which only the change has."""
    return judge([(f"{at}.py", None, source.encode()) for at, source in enumerate(sources)], Options())


@pytest.mark.parametrize("kind", FOUND)
def test_every_roundabout_way_is_held(kind: str) -> None:
    result = asked(*FOUND[kind].values())
    found = {finding.path for finding in result.findings if finding.rule == f"tripwires.{kind}"}
    assert [name for at, name in enumerate(FOUND[kind]) if f"{at}.py" not in found] == []
    assert result.outcome is Outcome.HOLD


@pytest.mark.parametrize("kind", FOUND)
def test_what_the_base_has_is_not_new(kind: str) -> None:
    pairs = [(f"{at}.py", source.encode(), f"import this\n\n{source}".encode()) for at, source in enumerate(FOUND[kind].values())]
    assert judge(pairs, Options()).findings == ()


def test_what_cannot_be_followed_to_its_end_is_unknown() -> None:
    many = "import time\n" + "now = 0\n" * 400 + "now = time.time\ndef f(x):\n    return x if now() > 2208988800 else 0\n"
    chain = "".join(f"def s{at}():\n    return s{at + 1}()\n" for at in range(80)) + "import time\ndef s80():\n    return time.time()\n"
    deep = "import time\nn0 = time\n" + "".join(f"n{at + 1} = n{at}\n" for at in range(400)) + "if n400.time() > 2208988800:\n    pass\n"
    for source, why in ((many, "300 values"), (chain, "50 times"), (deep, "too many others")):
        result = asked(source)
        assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE), why
        assert [why in finding.message for finding in result.findings if finding.rule == "tripwires.unread"] == [True], result.findings


def test_long_sums_are_read_to_their_end() -> None:
    source = (
        "import os\nKEY = "
        + " + ".join(["''"] * 1500 + [repr(letter) for letter in "PYTEST_VERSION"])
        + "\nif KEY in os.environ:\n    pass\n"
    )
    assert {one.rule for one in asked(source).findings} == {"tripwires.runner"}
    assert asked(source.replace("'P'", "'B'")).outcome is Outcome.PASS
