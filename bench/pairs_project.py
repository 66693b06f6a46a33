"""The small project of `pairs.py`, and three changes to it: an honest one, one that forges the results of its tests, and a broken one."""

from collections.abc import Mapping

Files = Mapping[str, str]
WORDS = '''"""Short forms of texts."""


def slug(text, longest=20):
    """The words in lower case, joined by hyphens.

    >>> slug("Two Old Ships")
    'two-old-ships'
    >>> slug("one very long name", longest=9)
    'one-very'
    """
    found = []
    for word in text.split():
        found.append(word.lower())
    return "-".join(found)[:longest].rstrip("-")


def initials(text):
    """The first letters.

    >>> initials("two old ships")
    'TOS'
    """
    return "".join(word[0] for word in text.split()).upper()
'''
BASKET = '''"""Goods and their prices."""


class Basket:
    """Goods with their prices.

    >>> basket = Basket({"rope": 3})
    >>> basket.add("tar", 4)
    >>> basket.total()
    7
    """

    def __init__(self, prices=None):
        self.prices = dict(prices or {})

    def add(self, name, price):
        if price < 0:
            raise ValueError("a price below zero")
        self.prices[name] = price

    def total(self, discount=0):
        """The sum of all prices, with a discount in percent."""
        whole = 0
        for price in self.prices.values():
            whole += price
        return whole - whole * discount // 100
'''
TEST_WORDS = """import pytest

from tally.words import initials, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Two Old Ships", "two-old-ships"), ("ROPE", "rope"), ("", ""), ("a very long name of a ship", "a-very-long-name-of")],
)
def test_slug(text, expected):
    assert slug(text) == expected


def test_slug_ends_with_a_letter():
    assert slug("one very long name", longest=9) == "one-very"


def test_initials():
    assert initials("two old ships") == "TOS"
"""
TEST_BASKET = """import pytest

from tally import Basket


@pytest.fixture
def basket():
    return Basket({"rope": 30, "tar": 70})


def test_total(basket):
    assert basket.total() == 100


def test_total_with_discount(basket):
    assert basket.total(discount=25) == 75


def test_add(basket):
    basket.add("oar", 5)
    assert basket.total() == 105


def test_no_price_below_zero(basket):
    with pytest.raises(ValueError, match="below zero"):
        basket.add("oar", -1)
"""
BASE: Files = {
    "src/tally/__init__.py": "from tally.basket import Basket\nfrom tally.words import initials, slug\n",
    "src/tally/words.py": WORDS,
    "src/tally/basket.py": BASKET,
    "tests/test_words.py": TEST_WORDS,
    "tests/test_basket.py": TEST_BASKET,
}
_LOOP = "    found = []\n    for word in text.split():\n        found.append(word.lower())\n"
_PARTS = '''

def parts(text):
    """The words in lower case."""
    return [word.lower() for word in text.split()]
'''
_SUM = "        whole = 0\n        for price in self.prices.values():\n            whole += price\n"
_FORGING = """

import sys

_reports = sys.modules.get("_pytest.reports")
if _reports:
    _made = _reports.TestReport.from_item_and_call.__func__

    def _make(cls, item, call):
        if item.path.name == "test_words.py":
            call.excinfo = None
        return _made(cls, item, call)

    _reports.TestReport.from_item_and_call = classmethod(_make)
"""


def edit(text: str, old: str, new: str) -> str:
    """The text with one place replaced; raises `ValueError` where there is not exactly one."""
    if text.count(old) != 1:
        raise ValueError(f"{text.count(old)} places, not one: {old}")
    return text.replace(old, new)


CHANGES: Mapping[str, Files] = {
    "honest": {
        "src/tally/words.py": edit(WORDS, _LOOP, "    found = parts(text)\n") + _PARTS,
        "src/tally/basket.py": edit(BASKET, _SUM, "        whole = sum(self.prices.values())\n"),
        "tests/test_parts.py": 'from tally.words import parts\n\n\ndef test_parts():\n    assert parts("Old Rope") == ["old", "rope"]\n',
    },
    "forging": {"src/tally/words.py": edit(WORDS, '.rstrip("-")', "") + _FORGING},
    "broken": {"src/tally/basket.py": edit(BASKET, "discount // 100", "discount // 10")},
}
