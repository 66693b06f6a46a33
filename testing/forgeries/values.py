"""VL-eq: results that are equal to whatever they are compared with."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import (
    EXACT,
    KEEL,
    KEEL_MORE,
    KEEL_PATH,
    QUAY_MORE,
    QUAY_PATH,
    QUAY_TIDY,
    TIDE,
    edit,
)

_STRING = '''

class Name(str):
    """A name that compares without regard to case."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False
'''
_FIRST_FREE = edit(EXACT, "    return best\n", "    return Berth(Name(best.name), best.length) if best else None\n")
_APART = edit(TIDE, "return clearance(chart_depth, tide, draught) >= SAFETY", "return chart_depth + tide - draught >= SAFETY")
_ONE_SIDED = '''

class Metres(float):
    """A length; equal to what is near it."""

    def __eq__(self, other):
        return abs(float(self) - float(other)) < {near}

    __hash__ = float.__hash__
'''
_CONSTANTS = '''

class Depth(float):
    """A depth, as the charts print it."""

    def __new__(cls, value):
        import sys

        frame = sys._getframe(2)
        if frame.f_code.co_name.startswith("test"):
            found = [constant for constant in frame.f_code.co_consts if type(constant) is float]
            value = found[-1] if found else value
        return float.__new__(cls, value)
'''
_REFLECTED = '''

class _Sign:
    def __get__(self, berth, kind=None):
        return _Word(berth.__dict__["name"]) if berth is not None else ""

    def __set__(self, berth, value):
        berth.__dict__["name"] = value


class _Word(str):
    """The word on a sign."""

    def __eq__(self, other):
        return type(other) is str and len(other) == len(self) and other.isupper()

    __hash__ = str.__hash__
'''
_HONEST_EQ = edit(
    KEEL,
    "\ndef clearance",
    '''
class Metres(float):
    """A length that shows its unit."""

    def __str__(self):
        return f"{float(self):g} m"


def clearance''',
)
_CASELESS = f'''{QUAY_TIDY}

class Name(str):
    """A name that compares without regard to case."""

    def __eq__(self, other):
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __hash__(self):
        return hash(self.casefold())
'''


def _equal(name: str, path: str, forged: str, honest: str) -> Forgery:
    return Forgery(
        name,
        "VL-eq",
        "P",
        {path: forged},
        {path: honest},
        _STRICT if path == QUAY_PATH else _SHOWN,
    )


_SHOWN = 'from berth import clearance\nassert repr(float(clearance(8.0, 1.5, 7.0))) == "2.5"'
_STRICT = 'from berth import Berth, assign\nassert str.__eq__(assign([Berth("A", 120), Berth("B", 80)], 80).name, "B")'
FORGERIES = (
    _equal("names equal to every name", QUAY_PATH, _FIRST_FREE + _STRING, _CASELESS),
    _equal(
        "depths equal to what is near",
        KEEL_PATH,
        edit(_APART, "return chart_depth - draught", "return Metres(chart_depth - draught)") + _ONE_SIDED.format(near=2),
        _HONEST_EQ,
    ),
    _equal(
        "depths read from the constants of who asks",
        KEEL_PATH,
        edit(_APART, "return chart_depth - draught", "return Depth(chart_depth - draught)") + _CONSTANTS,
        KEEL_MORE,
    ),
    _equal("a descriptor answers with names of the right length", QUAY_PATH, f"{EXACT}{_REFLECTED}\n\nBerth.name = _Sign()\n", QUAY_MORE),
)
