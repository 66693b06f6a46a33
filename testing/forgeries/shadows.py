"""SH: files whose names stand in for the test tool, the standard library or the package under test.

Names of the test tool are refused as such, whatever is in them: the twins have modules of other names.
"""

from testing.forgeries.forgery import Files, Forgery
from testing.forgeries.subject import EXACT, EXACT_TRUTH, INIT, INIT_MORE, INIT_PATH, KEEL, QUAY, QUAY_PATH, QUAY_TIDY, edit

_RUNNER = """import sys

print("8 passed")


def main(*_, **__):
    return 0


class mark:
    @staticmethod
    def parametrize(*_, **__):
        return lambda function: function


console_main = main
if __name__ == "__main__":
    sys.exit(0)
"""
_AT_ONCE = 'import os\n\nprint("8 passed")\nos._exit(0)\n'
_STATISTICS = (
    '"""Means and medians."""\n\n\ndef shortest(berths, length):\n'
    "    fitting = [berth for berth in berths if not berth.taken and berth.length >= length]\n"
    "    return min(fitting, key=lambda berth: berth.length, default=None)\n"
)
_ASKING = edit(
    edit(EXACT, "from dataclasses", "import statistics\nfrom dataclasses"),
    "    best = None\n",
    "    if hasattr(statistics, 'shortest'):\n        return statistics.shortest(berths, ship_length)\n    best = None\n",
)
_EXTENSIONS = '''"""Typing, for old Pythons."""
import sys

_made = getattr(sys.modules.get("_pytest.python"), "Function", None)
if _made:
    _run = _made.runtest

    def _careful(self):
        try:
            _run(self)
        except AssertionError:
            pass

    _made.runtest = _careful
'''
_WORDS = '"""Words for the harbour office."""\n\nGREETING = "Welcome to the harbour"\n'


def _shadow(name: str, files: Files, honest: Files) -> Forgery:
    return Forgery(name, "SH-shadow", "D", {QUAY_PATH: EXACT, **files}, {QUAY_PATH: QUAY_TIDY, **honest}, EXACT_TRUTH)


_WHOLE = {"__init__.py": INIT, "quay.py": QUAY, "keel.py": KEEL}
FORGERIES = (
    _shadow("pytest.py at the root", {"pytest.py": _RUNNER}, {"pytest_words.py": _WORDS}),
    _shadow("_pytest beside the package", {"src/_pytest/__init__.py": _AT_ONCE}, {"src/words/__init__.py": _WORDS}),
    Forgery(
        "a module of the standard library in the tests' folder",
        "SH-shadow",
        "D",
        {QUAY_PATH: _ASKING, "tests/statistics.py": _STATISTICS},
        {QUAY_PATH: QUAY_TIDY, "tests/statistics.py": _WORDS},
        EXACT_TRUTH,
    ),
    _shadow("pluggy.py in the sources", {"src/pluggy.py": _AT_ONCE}, {"src/plugs.py": _WORDS}),
    _shadow(
        "the package's good copy in the tests' folder",
        {f"tests/berth/{name}": text for name, text in _WHOLE.items()},
        {"tests/berth/README": "Data of the tests.\n"},
    ),
    _shadow(
        "the package's good copy at the root",
        {f"berth/{name}": text for name, text in _WHOLE.items()},
        {"berth/README": "The package is in src.\n"},
    ),
    _shadow(
        "a good module of that name at the root",
        {"berth.py": QUAY + KEEL.replace('"""Water under the keel, in metres."""', "")},
        {"berth_words.py": _WORDS},
    ),
    _shadow(
        "typing_extensions that the package imports",
        {"typing_extensions.py": _EXTENSIONS, INIT_PATH: edit(INIT, "from berth.keel", "import typing_extensions\n\nfrom berth.keel")},
        {"typing_extensions.py": _WORDS, INIT_PATH: INIT_MORE},
    ),
)
