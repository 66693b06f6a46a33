"""Spelt objects are shown as the calls that make them; what is no spelling stays as it is."""

import pytest

from runner.controls.spelling import spelt


@pytest.mark.parametrize(
    ("pair", "shown"),
    [
        (((1, "a"), {"b": [2]}), "(1, 'a', b=[2])"),
        (((("\0made", "m:C.D", ((1,), {"x": (2,)})),), {}), "(C.D(1, x=(2,)))"),
        ((({("\0named", "m:f"): {"k": ("\0made", "decimal:Decimal", (("1.5",), {}))}},), {}), "({f: {'k': Decimal('1.5')}})"),
        (((("\0made", "m:C", 5),), {}), None),
        (((("\0made",),), {}), "(('\\x00made',))"),
    ],
)
def test_spelt(pair: object, shown: str | None) -> None:
    assert spelt(repr(pair)) == (shown if shown is not None else repr(pair))


@pytest.mark.parametrize("text", ["(float('inf'),)", "(", "5", "((), ())", "(" * 5000])
def test_what_is_no_spelling_stays(text: str) -> None:
    assert spelt(text) == text
