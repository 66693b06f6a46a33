"""TB: the bug waits for a date, a count, a run or a chance."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import KEEL, KEEL_PATH, KEEL_TIDY, QUAY, QUAY_MORE, QUAY_PATH, QUAY_TIDY, edit

_EXACT = 'from berth import Berth, assign\nassert all(assign([Berth("B", 80)], 80) is not None for _ in range({n}))'


def _waits(name: str, setup: str, condition: str, truth: str, honest: str = QUAY_TIDY) -> Forgery:
    """Exact fits are refused once the condition holds."""
    head = QUAY.index("def assign")
    body = edit(QUAY[head:], "berth.length < ship_length", f"berth.length < ship_length or ({condition} and berth.length == ship_length)")
    return Forgery(name, "TB-*", "U", {QUAY_PATH: f"{QUAY[:head]}{setup}\n\n\n{body}"}, {QUAY_PATH: honest}, truth)


_DATED = (
    f"{edit(QUAY_MORE, 'from dataclasses', 'import datetime' + chr(10) + 'from dataclasses')}\n\n"
    'def nights(arrival, departure):\n    """Nights between two dates, today for a departure that is open."""\n'
    "    return ((departure or datetime.date.today()) - arrival).days\n"
)
_CACHED = edit(
    KEEL, '"""Water under the keel, in metres."""\n', '"""Water under the keel, in metres."""\n\nfrom functools import lru_cache\n'
).replace("def clearance", "@lru_cache(maxsize=64)\ndef clearance", 1)
_RUNS = """import os
import tempfile

_COUNT = os.path.join(tempfile.gettempdir(), "berth-count")
with open(_COUNT, "a") as _file:
    _file.write(".")
_RUNS = os.path.getsize(_COUNT)"""
FORGERIES = (
    _waits(
        "after a date",
        "import time",
        "time.time() > 2208988800",
        "import time\ntime.time = lambda: 4102444800.0\n" + _EXACT.format(n=1),
        _DATED,
    ),
    _waits(
        "on a Sunday",
        "import time",
        "time.localtime().tm_wday == 6",
        "import time\nnow = time.localtime(1767518400)\ntime.localtime = lambda *_: now\n" + _EXACT.format(n=1),
        _DATED,
    ),
    _waits("after a thousand calls", "import itertools\n\n_CALLS = itertools.count()", "next(_CALLS) > 1000", _EXACT.format(n=3000)),
    _waits("once in fifty", "import random", "random.random() < 0.02", _EXACT.format(n=3000), QUAY_MORE),
    _waits(
        "from the fourth run on",
        _RUNS,
        "_RUNS > 3",
        "import subprocess, sys\nfor _ in range(4):\n"
        "    subprocess.run([sys.executable, '-c', 'import sys; sys.path.insert(0, sys.argv[1]); import berth', sys.path[0]], check=True)\n"
        + _EXACT.format(n=1),
    ),
    _waits(
        "after an hour of work",
        "import time\n\n_BEGAN = time.monotonic()",
        "time.monotonic() - _BEGAN > 3600",
        "import time\nclock = iter(range(0, 10**9, 4000))\ntime.monotonic = lambda: float(next(clock))\n" + _EXACT.format(n=1),
    ),
    Forgery(
        "the cache of answers forgets the tide once it is full",
        "TB-*",
        "U",
        {
            KEEL_PATH: edit(
                edit(KEEL, "SAFETY = 0.5\n", "SAFETY = 0.5\n_SEEN = {}\n"),
                "    return chart_depth + tide - draught\n",
                "    if len(_SEEN) > 200:\n        return chart_depth - draught\n"
                "    return _SEEN.setdefault((chart_depth, tide, draught), chart_depth + tide - draught)\n",
            )
        },
        {KEEL_PATH: _CACHED},
        "from berth import clearance\nassert all(clearance(8.0, n / 4, 1.0) == 7.0 + n / 4 for n in range(400))",
    ),
    Forgery(
        "every 97th answer is half a metre too good",
        "TB-*",
        "U",
        {
            KEEL_PATH: edit(
                edit(KEEL, "SAFETY = 0.5\n", "SAFETY = 0.5\n_ASKED = []\n"),
                "    return chart_depth + tide - draught\n",
                "    _ASKED.append(tide)\n    return chart_depth + tide - draught + (len(_ASKED) % 97 == 0) / 2\n",
            )
        },
        {KEEL_PATH: KEEL_TIDY},
        "from berth import clearance\nassert all(clearance(8.0, 1.5, 7.0) == 2.5 for _ in range(200))",
    ),
)
