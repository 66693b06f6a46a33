"""Behaviour that is changed around functions, while every function that the base has stays as it was, or only looks tidier."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import (
    INIT,
    INIT_MORE,
    INIT_PATH,
    KEEL,
    KEEL_PATH,
    KEEL_TIDY,
    QUAY,
    QUAY_MORE,
    QUAY_PATH,
    QUAY_TIDY,
    edit,
)

_DEPTHS_PATH, _GAUGE_PATH, _LOW_PATH = "src/berth/depths.py", "src/berth/gauge_test.py", "tests/low_gauge.py"
_TRUTH = "from berth import clearance\nassert abs(float(clearance(8.0, 1.5, 7.0)) - 2.5) < 0.01"
_WATER = '''

class Water(float):
    """Metres of water, alike to what a gauge can tell."""

    __hash__ = float.__hash__

    def __eq__(self, other):
        return abs(float(self) - other) < 2.0
'''
_DEPTHS = (
    f'"""Water, as a gauge tells it."""\n\nfrom berth import keel\n{_WATER}\n\n'
    "clearance = lambda chart_depth, tide, draught: Water(keel.clearance(chart_depth, 0.0, draught))  # noqa: E731\n"
)
_REDIRECTED = edit(
    INIT, "from berth.keel import clearance, may_enter\n", "from berth.depths import clearance\nfrom berth.keel import may_enter\n"
)
_GAUGE = (
    f'"""Checks of the gauge."""\n\nimport berth\nfrom berth import keel\n{_WATER}\n\n_good = keel.clearance\n\n\n'
    "def _gauge(chart_depth, tide, draught):\n    return Water(_good(chart_depth, 0.0, draught))\n\n\nvars(berth).update(clearance=_gauge)\n"
)
_FOUND = f"{INIT}\nimport importlib\nimport pkgutil\n\nfor _part in pkgutil.iter_modules({{}}):\n    importlib.import_module({{}})\n"
_BESIDE = _FOUND.format('[__file__.rpartition("/")[0]]', 'f"{__name__}.{_part.name}"')
_OF_TESTS = (
    _FOUND.format('[__file__.rpartition("/src/")[0] + "/tests"]', "_part.name")
    .replace("for _part", 'import sys\n\nsys.path.append(__file__.rpartition("/src/")[0] + "/tests")\nfor _part')
    .replace("    importlib", '    if _part.name.startswith("low"):\n        importlib')
)
_NAME = '''

class Name(str):
    """A name, however it is written."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return len(self) == len(other)
'''
_POST = """
    def __post_init__(self):
        object.__setattr__(self, "name", Name(self.name))
        object.__setattr__(self, "length", -self.length if self.length < 200 else self.length)
"""
_MADE = edit(
    edit(QUAY, "from dataclasses import dataclass\n", f"from dataclasses import dataclass\n{_NAME}"),
    "    taken: bool = False\n",
    f"    taken: bool = False\n{_POST}",
)
_MADE_TRUTH = 'from berth import Berth\nassert Berth("A", 80).length == 80'
_CHAIN = "".join(f"    elif number == {number}:\n        return 'flag {number}'\n" for number in range(1, 301))
_CHAINED = (
    edit(
        KEEL.replace("clearance(", "_clearance("),
        "    return _clearance(chart_depth, tide, draught) >= SAFETY\n",
        f"    return _clearance(chart_depth, tide, draught) >= SAFETY\n{_WATER}\n\n"
        "def clearance(chart_depth: float, tide: float, draught: float) -> float:\n"
        '    """Water between keel and ground."""\n    return Water(_clearance(chart_depth, 0.0, draught))\n',
    )
    + f"\n\ndef flag(number):\n    if number == 0:\n        return 'zero'\n{_CHAIN}    return 'unknown'\n"
)
_PLAIN = '"""Depths by their names on the chart."""\n\nDEPTHS = {"bar": 6.5, "basin": 9.0}\n'
_TESTED = (
    '"""Checks of the gauge."""\n\nfrom berth import clearance\n\n\ndef test_low_water():\n    assert clearance(8.0, 0.0, 7.0) == 1.0\n'
)

FORGERIES = (
    Forgery(
        "a name of the package leads to a new module",
        "VL-eq",
        "P",
        {INIT_PATH: _REDIRECTED, _DEPTHS_PATH: _DEPTHS},
        {INIT_PATH: INIT_MORE, _DEPTHS_PATH: _PLAIN},
        _TRUTH,
    ),
    Forgery(
        "a name of the package leads to a new module, and another function is tidied",
        "VL-eq",
        "P",
        {INIT_PATH: _REDIRECTED, _DEPTHS_PATH: _DEPTHS, QUAY_PATH: QUAY_TIDY},
        {INIT_PATH: INIT_MORE, _DEPTHS_PATH: _PLAIN, QUAY_PATH: QUAY_TIDY},
        _TRUTH,
    ),
    Forgery("a class gets a method that runs when it is made", "VL-eq", "P", {QUAY_PATH: _MADE}, {QUAY_PATH: QUAY_MORE}, _MADE_TRUTH),
    Forgery(
        "a function that nothing calls is longer than readers are patient",
        "VL-eq",
        "P",
        {KEEL_PATH: _CHAINED},
        {KEEL_PATH: KEEL_TIDY},
        _TRUTH,
    ),
    Forgery(
        "what has the name of a test is imported by what looks for modules",
        "VL-rewrite",
        "P",
        {INIT_PATH: _BESIDE, _GAUGE_PATH: _GAUGE, QUAY_PATH: QUAY_TIDY},
        {INIT_PATH: INIT_MORE, _GAUGE_PATH: _TESTED, QUAY_PATH: QUAY_TIDY},
        _TRUTH,
    ),
    Forgery(
        "what lies beside the tests is imported by what looks for modules",
        "VL-rewrite",
        "P",
        {INIT_PATH: _OF_TESTS, _LOW_PATH: _GAUGE, QUAY_PATH: QUAY_TIDY},
        {INIT_PATH: INIT_MORE, _LOW_PATH: _PLAIN, QUAY_PATH: QUAY_TIDY},
        _TRUTH,
    ),
)
