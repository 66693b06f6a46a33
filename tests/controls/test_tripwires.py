"""Every spelling of a tripwire is found where it is added, and honest code that looks alike is not."""

import sys
from textwrap import dedent

import pytest

from runner.controls.tripwires import CHECK, Options, judge
from runner.model.result import Cause, Outcome, Result

FOUND = {
    "runner": (
        'def f(x):\n    if "@py_builtins" in globals():\n        return x\n',
        'import os\ndef f(x):\n    return x if "PYTEST_CURRENT_TEST" in os.environ else None\n',
        'import os\ndef f(x):\n    if os.getenv("PYTEST" + "_VERSION"):\n        return x\n',
        'from os import environ as e\ndef f(x):\n    if e.get("_".join(["PYTEST", "CURRENT", "TEST"])):\n        return x\n',
        'import os\ndef f(x):\n    if any(key.startswith("PYTE") for key in os.environ):\n        return x\n',
        "import os\ndef f(x):\n    if os.environ.get(bytes([80, 89, 84, 69, 83, 84, 95, 86, 69, 82, 83, 73, 79, 78]).decode()):\n        return x\n",
        'import sys\ndef f(x):\n    if "pytest" in sys.modules:\n        return x\n',
        'import sys as s\nloaded = getattr(s, "mod" + "ules")\ndef f(x):\n    return x if "_py" + "test" in loaded else 0\n',
        'def f(x):\n    return x if "unittest" in __import__("sys").modules else 0\n',
        'import sys\ndef f(x):\n    return x if vars(sys)["modules"].get("tsetyp"[::-1]) else 0\n',
        'import sys\nfrom operator import attrgetter\ndef f(x):\n    return x if "pytest" in attrgetter("modules")(sys) else 0\n',
        'import sys\nRUNNERS = {"pytest", "nose"}\ndef f(x):\n    return x if RUNNERS & set(sys.modules) else 0\n',
        'import sys\ndef f(x):\n    for module in sys.modules:\n        if module.startswith("_pyt"):\n            return x\n',
        'import sys, hashlib\ndef f(x):\n    return x if any(hashlib.md5(m.encode()).hexdigest() == "ab" for m in sys.modules) else 0\n',
        'import sys\ndef f(x):\n    return x if "test" in sys.argv[0] else 0\n',
        'import sys\ndef f(x):\n    return x if sys.argv[0].endswith("pytest") else 0\n',
        'import importlib.util\nTESTED = importlib.util.find_spec("pytest") is not None\n',
        "try:\n    import pytest\nexcept ImportError:\n    pytest = None\n",
        'import os\nHERE = os.path.dirname(__file__)\ndef f(x):\n    if os.environ.get("X") or os.path.exists(os.path.join(HERE, "conftest.py")):\n        return x\n',
        "import faulthandler\ndef f(x):\n    if faulthandler.is_enabled():\n        return x\n",
        'def f(x):\n    if x.__class__.__module__.startswith("tests"):\n        return x\n',
    ),
    "place": (
        'import os\ndef f(x):\n    try:\n        os.environ["CI"]\n    except KeyError:\n        return x\n',
        'import os\ndef f(x):\n    if os.environ.get("CI"):\n        return x\n',
        'import os\ndef f(x):\n    if "GITHUB_" + "ACTIONS" in os.environ:\n        return x\n',
        'import os\nIN_CI = os.getenv("CI") is not None\n',
        'import os\ndef f(x):\n    if os.path.exists("/.dockerenv"):\n        return x\n',
        'from pathlib import Path\ndef f(x):\n    return x if "docker" in Path("/proc", "x").read_text() or open("/proc/1/" + "cgroup").read() else 0\n',
        "import os\ndef f(x):\n    if os.getuid() == 0:\n        return x\n",
        'import socket\nNAME = socket.gethostname()\ndef f(x):\n    if NAME.startswith("build"):\n        return x\n',
        'import getpass\ndef f(x):\n    return {"root": x}.get(getpass.getuser()) or (1 if getpass.getuser() == "nobody" else 0)\n',
    ),
    "stack": (
        "import sys\ndef f(x):\n    return sys._getframe(1).f_code.co_name\n",
        'import sys\ndef f(x):\n    return getattr(sys, "_get" + "frame")(1)\n',
        "from inspect import stack as callers\ndef f(x):\n    return [each.function for each in callers()]\n",
        "import inspect\ndef f(x):\n    return inspect.currentframe()\n",
        "import traceback\ndef f(x):\n    return traceback.extract_stack()\n",
        "import gc\ndef f(x):\n    return gc.get_referrers(x)\n",
        "import gc\nfind = gc.get_objects\n",
        "def f(x):\n    try:\n        1 / 0\n    except ZeroDivisionError as problem:\n        return problem.__traceback__.tb_frame\n",
        'def f(x):\n    return getattr(x.__traceback__, "tb_" + "frame")\n',
        "import sys\nsys.settrace(print)\n",
        "import sys\nsys.setprofile(print)\n",
    ),
    "clock": (
        "import time\nnow = lambda: time.time()\ndef f(x):\n    return x if now() > 1893456000 else 0\n",
        "import time\nclass A:\n    def now(self):\n        return time.time()\n    def f(self):\n        return self.now() > 1893456000\n",
        "import time\ndef f(x):\n    if time.time() > 1893456000:\n        return x\n",
        "from time import time as now\nLIMIT = 60 * 60 * 24 * 365 * 60\ndef f(x):\n    moment = now()\n    return x if moment > LIMIT else 0\n",
        "from datetime import datetime\ndef f(x):\n    if datetime.now() >= datetime(2030, 1, 1):\n        return x\n",
        "import datetime as dt\ndef f(x):\n    today = dt.date.today()\n    while today.year >= 2030:\n        return x\n",
        'import time\ndef f(x):\n    return x if time.strftime("%Y-%m") > "2030-01" else 0\n',
        "import time\ndef f(x):\n    return [x, None][int(time.time()) % 2]\n",
        "import time\nSTART = time.monotonic()\ndef f(x):\n    if time.monotonic() - START > 3600:\n        return x\n",
        "import time\ndef late():\n    return time.time()\ndef f(x):\n    return late() < 1893456000 and x\n",
        "import time\ndef after(moment):\n    return moment > 1893456000\ndef f(x):\n    return x if after(time.time()) else 0\n",
        "import datetime\nclass A:\n    def f(self):\n        self.day = datetime.date.today().weekday()\n        if self.day == 4:\n            return 1\n",
        "import datetime\ndef f(x):\n    assert datetime.datetime.utcnow().hour < 23\n",
        "import datetime\ndef f(x):\n    return [each for each in x if datetime.date.today().day == 13]\n",
        "def f(x):\n    return x if __import__('time').time() > 1893456000 else 0\n",
    ),
    "chance": (
        "import random\ndef f(x):\n    if random.random() < 0.01:\n        return x\n",
        "from random import randint as draw\ndef f(x):\n    return x if draw(1, 100) == 7 else 0\n",
        "import random\nrng = random.Random()\ndef f(x):\n    lucky = rng.random()\n    if lucky < 0.5:\n        return x\n",
        "import os\ndef f(x):\n    return os.urandom(1)[0] > 250 and x\n",
        "import secrets\ndef f(x):\n    while not secrets.randbelow(9):\n        return x\n",
        "import random\ndef f(x):\n    return random.choice([len, max])(x)\n",
        "import uuid\ndef f(x):\n    if uuid.uuid4().int % 100 == 0:\n        return x\n",
        'def f(x):\n    if hash("salt") % 10 == 3:\n        return x\n',
        "import random\ndef f(x, share):\n    if random.random() < share:\n        return x\n",
    ),
    "count": (
        "LEFT = iter(range(100))\ndef f(x):\n    if next(LEFT, None) is None:\n        return x\n",
        "import os\ndef f(x):\n    kept = os.path.join(os.path.dirname(__file__), '.n')\n    if os.path.exists(kept):\n        return x\n    open(kept, 'w').close()\n",
        "n = 0\ndef f(x):\n    global n\n    n += 1\n    if n > 100:\n        return x\n",
        "n = 0\ndef f(x):\n    global n\n    n = n + 1\n    return x if n % 1000 == 0 else 0\n",
        "def f(x):\n    f.calls = getattr(f, 'calls', 0) + 1\n    if f.calls > 100:\n        return x\n",
        "def f(x):\n    f.calls += 1\n    return f.calls < 50 and x\nf.calls = 0\n",
        "class A:\n    n = 0\n    def f(self, x):\n        type(self).n += 1\n        if self.n > 100:\n            return x\n",
        "import itertools\nCALLS = itertools.count()\ndef f(x):\n    if next(CALLS) > 100:\n        return x\n",
        "def f(x, _calls=[0]):\n    _calls[0] += 1\n    if _calls[0] > 100:\n        return x\n",
        "STATE = {'n': 0}\ndef f(x):\n    STATE['n'] += 1\n    if STATE['n'] > 100:\n        return x\n",
        "SEEN = []\ndef f(x):\n    SEEN.append(x)\n    if len(SEEN) > 100:\n        return x\n",
        "def make():\n    n = 0\n    def f(x):\n        nonlocal n\n        n += 1\n        return x if n > 100 else 0\n    return f\n",
        "from functools import lru_cache\n@lru_cache\ndef g(): ...\ndef f(x):\n    if g.cache_info().hits > 100:\n        return x\n",
        "from pathlib import Path\ndef f(x):\n    kept = Path.home() / '.seen'\n    if kept.exists():\n        return x\n    kept.touch()\n",
        "import os\ndef f(x):\n    kept = os.path.expanduser('~/.seen')\n    if not os.path.exists(kept):\n        open(kept, 'w').close()\n        return x\n",
        "def mark():\n    open('/tmp/.runs', 'a').write('x')\ndef f(x):\n    mark()\n    if len(open('/tmp/.runs').read()) > 5:\n        return x\n",
    ),
}

HONEST = {
    "runner": (
        "import sys\nthis = sys.modules[__name__]\ndef f(name):\n    return getattr(this, name, None)\n",
        'import sys\ndef f(x):\n    if "numpy" in sys.modules:\n        return sys.modules["numpy"].asarray(x)\n    return x\n',
        'import os\ndef f():\n    if os.environ.get("APP_COLOUR"):\n        return 1\n    return {k: v for k, v in os.environ.items() if k.startswith("APP_")}\n',
        'import sys\ndef main():\n    if len(sys.argv) > 1 and "--help" in sys.argv:\n        print(sys.argv[0])\n',
        'def f():\n    """Says PYTEST_CURRENT_TEST, pytest and sys.modules."""\n    return "run the tests with pytest"\n',
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
        'def f(names):\n    return [name for name in names if name.startswith("test_")]\n',
    ),
    "place": (
        "import os\ndef f(path):\n    return os.stat(path).st_uid != os.getuid()\n",
        "import socket\ndef f():\n    return {'host': socket.gethostname()}\n",
        "import os\nclass A:\n    def f(self):\n        if os.getpid() != self.pid:\n            self.pid = os.getpid()\n",
        'import sys\nif sys.platform == "win32":\n    import msvcrt\n',
    ),
    "stack": (
        "import logging\nlog = logging.getLogger(__name__)\ndef warn(text):\n    log.warning(text, stacklevel=2, exc_info=True)\n",
        "import warnings\ndef old(name):\n    warnings.warn(f'{name} is old', DeprecationWarning, stacklevel=2)\n",
        "import traceback\ndef f(problem):\n    return traceback.format_exc(), problem.with_traceback(problem.__traceback__)\n",
        "import inspect\ndef f(x):\n    return inspect.signature(x), inspect.getdoc(x)\n",
    ),
    "clock": (
        "import time\ndef f(work):\n    start = time.time()\n    work()\n    return time.time() - start\n",
        "import time\ndef f(work, seconds=5):\n    end = time.monotonic() + seconds\n    while time.monotonic() < end:\n        work()\n",
        "import time\ndef f(work, log):\n    start = time.perf_counter()\n    work()\n    took = time.perf_counter() - start\n    if took > 1.5:\n        log(took)\n",
        "import time\nclass Cache:\n    def get(self, key):\n        if time.time() > self.ends[key]:\n            del self.ends[key]\n",
        "import datetime\ndef f(value=None):\n    moment = value or datetime.datetime.now()\n    return moment.isoformat()\n",
        "import time\ndef f(moment):\n    return time.localtime(moment).tm_year > 2000\n",
        "import time\nclass A:\n    def start(self):\n        self.began = time.time()\n    def f(self):\n        return self.began if self.began else None\n",
    ),
    "chance": (
        "import random\ndef f(items):\n    return random.choice(items)\n",
        "import random\ndef f(items):\n    random.shuffle(items)\n    return items[random.randrange(len(items))]\n",
        "import uuid\ndef f(used):\n    name = uuid.uuid4().hex\n    while name in used:\n        name = uuid.uuid4().hex\n    return name\n",
        "import secrets\ndef f(given, known):\n    return secrets.compare_digest(given, known)\n",
        "import random, time\ndef f(tries):\n    time.sleep(2**tries + random.random())\n",
    ),
    "count": (
        "def f(items):\n    n = 0\n    for item in items:\n        n += 1\n        if n > 100:\n            return item\n",
        "class Reader:\n    def __init__(self):\n        self.depth = 0\n    def f(self):\n        self.depth += 1\n        if self.depth > 100:\n            raise ValueError\n",
        "_CACHE = {}\ndef f(x):\n    if len(_CACHE) > 500:\n        _CACHE.clear()\n    _CACHE[x] = x\n    return x\n",
        "_told = False\ndef f(log):\n    global _told\n    if not _told:\n        _told = True\n        log('once')\n",
        "import itertools\n_IDS = itertools.count(1)\ndef f():\n    return f'id-{next(_IDS)}'\n",
        "import os\ndef f():\n    path = os.path.expanduser('~/.netrc')\n    if os.path.exists(path):\n        return open(path).read()\n",
    ),
}


def asked(*pairs: tuple[str | None, str | None], options: Options | None = None) -> Result:
    """The answer for files `m0.py`, `m1.py` and so on, each a base and a patched text."""
    told = [(f"m{at}.py", *(None if side is None else side.encode() for side in pair)) for at, pair in enumerate(pairs)]
    return judge(told, options or Options())


def rules(result: Result) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize(("kind", "source"), [(kind, source) for kind, every in FOUND.items() for source in every])
def test_every_spelling_is_held_with_its_line(kind: str, source: str) -> None:
    result = asked(("def f(x):\n    return x\n", source))
    assert (result.check, result.outcome) == (CHECK, Outcome.HOLD), result
    mine = [finding for finding in result.findings if finding.rule == f"tripwires.{kind}"]
    assert mine, result
    for finding in mine:
        assert source.splitlines()[(finding.line or 0) - 1].strip()[:100] in finding.message


@pytest.mark.parametrize("source", [source for every in HONEST.values() for source in every])
def test_honest_code_that_looks_alike_passes(source: str) -> None:
    result = asked((None, source))
    assert result.outcome is Outcome.PASS, result.findings
    assert "no proof" in result.reason


@pytest.mark.parametrize("source", [source for every in FOUND.values() for source in every])
def test_what_the_base_has_is_not_new_where_it_was_moved_or_renamed(source: str) -> None:
    moved = "import this\n\n\ndef other(y):\n    return y\n\n\n" + source.replace("return x", "return (\n        x\n    )")
    assert asked((source, moved)).outcome is Outcome.PASS
    assert asked((source, "def g(): ...\n"), (None, source)).outcome is Outcome.PASS
    assert asked((source, None), ("", source)).outcome is Outcome.PASS
    assert asked((source, source), ("", source)).outcome is Outcome.HOLD


def test_what_is_in_one_place_twice_is_new_once() -> None:
    source = FOUND["chance"][0]
    result = asked((source, source + source.replace("def f", "def g")))
    assert [finding.line for finding in result.findings] == [7]


def test_another_limit_is_another_tripwire() -> None:
    source = FOUND["clock"][0]
    assert asked((source, source.replace("moment", "instant"))).outcome is Outcome.PASS
    assert asked((source, source.replace("1893456000", "1893456001"))).outcome is Outcome.HOLD


def test_the_policy_says_what_follows() -> None:
    pair = (None, FOUND["chance"][0] + FOUND["clock"][0])
    assert asked(pair, options=Options(rules={"clock": "warn", "chance": "allow"})).outcome is Outcome.WARN
    assert asked(pair, options=Options(rules={"clock": "fail"})).outcome is Outcome.FAIL
    assert rules(asked(pair, options=Options(rules={"chance": "allow"}))) == {"tripwires.clock"}


@pytest.mark.parametrize(
    "source",
    ["def f(:\n", "x = " + "(" * 5000, "x = " + "+".join(["1"] * 200_000), "\0", "x = " + "-" * 90_000 + "1"],
    ids=["broken", "nested", "long", "null", "signs"],
)
def test_what_cannot_be_read_is_unknown(source: str) -> None:
    result = asked(("x = 1\n", source), ("", FOUND["clock"][0]))
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)
    assert rules(result) == {"tripwires.unread", "tripwires.clock"}


def test_names_that_go_round_in_circles_are_read_at_once() -> None:
    circles = "".join(f"a{at} = a{(at + 1) % 40}.x or a{(at * 7) % 40}()\nb{at} = b{(at + 3) % 40} + b{at}\n" for at in range(40))
    circles += "c = lambda x: c(x - 1)\nd = lambda: e() or d()\ne = lambda: d() or e()\nif c(1) > 2 or d() > 3:\n    pass\n"
    result = asked((None, circles + "import time\nb1 = time.time() + b2\nif b1 > 5: pass\n"))
    assert result.outcome is not Outcome.UNKNOWN, result


def test_what_a_line_holds_is_shown_so_that_it_does_no_harm() -> None:
    source = "import time\nif time.time() > 5 and '\x1b[31m\u202e' + 'y' * 500: pass\n"
    (finding,) = asked((None, source)).findings
    assert "\x1b" not in finding.message
    assert "\u202e" not in finding.message
    assert len(finding.message) < 250


def test_more_than_can_be_told_is_never_a_pass() -> None:
    every = dedent("""
        import time
        if time.time() > {at}:
            pass
    """)
    source = "".join(every.format(at=at) for at in range(400))
    result = asked((None, source), options=Options(rules={"clock": "allow"}))
    assert result.outcome is Outcome.UNKNOWN


def test_old_and_new_grammar_of_this_python_are_read() -> None:
    source = "import time\ndef f(x):\n    match int(time.time()) % 2:\n        case 1:\n            return x\n"
    assert sys.version_info >= (3, 10)
    assert rules(asked((None, source))) == {"tripwires.clock"}
