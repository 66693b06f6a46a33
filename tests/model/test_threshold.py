"""Thresholds read what people write, and write what they read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.model.threshold import Comparison, Threshold, Unit, parse, written

FREE = ("<", Unit.SHARE, Unit.SIZE)
WAIT = (">", Unit.TIME)


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("<15%", FREE, [("<", 0.15, Unit.SHARE)]),
        (" < 15 % ", FREE, [("<", 0.15, Unit.SHARE)]),
        ("<1GiB", FREE, [("<", 2**30, Unit.SIZE)]),
        ("<10% and <1GiB", FREE, [("<", 0.1, Unit.SHARE), ("<", 2**30, Unit.SIZE)]),
        (">500ms", WAIT, [(">", 0.5, Unit.TIME)]),
        ("none", WAIT, []),
    ],
)
def test_a_comparison_has_a_side_a_number_and_a_unit(text, kind, parts):
    assert [tuple(part) for part in parse(text, *kind).parts] == parts


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("<15", FREE, 'needs a unit, e.g. "<15%"'),
        (">15%", FREE, "looks the wrong way"),
        ("<3s", WAIT, "looks the wrong way"),
        ("<500ms", FREE, "has no unit ms"),
        (">5%", WAIT, "has no unit %"),
        ("<15% and <10%", FREE, "the same unit twice"),
        ("<15% or <1GiB", FREE, "not a comparison"),
        ("15%", FREE, "not a comparison"),
        ("<=15%", FREE, "not a comparison"),
        ("<-1%", FREE, "not a comparison"),
        ("<1e9%", FREE, "not a comparison"),
        ("<٣%", FREE, "not a comparison"),
        ("", FREE, "not a comparison"),
        ("<" * 10_000, FREE, "a quoted comparison"),
        (15, FREE, "a quoted comparison"),
        (None, FREE, "a quoted comparison"),
    ],
)
def test_what_is_no_comparison_says_how_to_write_one(text, kind, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(text, *kind)


@given(
    share=st.integers(0, 100_000).map(lambda n: n / 1000),
    size=st.integers(0, 2**50),
    time=st.integers(0, 10**9).map(lambda n: n / 1000),
)
def test_a_threshold_is_written_as_it_is_read(share, size, time):
    free = Threshold((Comparison("<", share / 100, Unit.SHARE), Comparison("<", float(size), Unit.SIZE)))
    wait = Threshold((Comparison(">", time, Unit.TIME),))
    again = parse(str(free), *FREE)
    assert [part.limit for part in again.parts] == [pytest.approx(share / 100, rel=1e-11), size]
    assert str(again) == str(free)
    assert parse(str(wait), *WAIT) == wait


def test_two_comparisons_are_met_together_or_not_at_all():
    both = parse("<10% and <1GiB", *FREE)
    assert both.met({Unit.SHARE: 0.05, Unit.SIZE: 10.0})
    assert not both.met({Unit.SHARE: 0.05, Unit.SIZE: 2.0**40})
    assert not both.met({Unit.SHARE: 0.5, Unit.SIZE: 10.0})
    assert not parse("<10%", *FREE).met({Unit.SHARE: 0.1})
    assert not Threshold().met({Unit.SHARE: 0.0})


def test_a_policy_key_takes_texts_and_gives_texts():
    adapter = TypeAdapter(written(*FREE))
    assert adapter.dump_python(adapter.validate_python("<10%   and <1024MiB")) == "<10% and <1GiB"
    with pytest.raises(ValidationError, match="looks the wrong way"):
        adapter.validate_python(">10%")


@pytest.mark.parametrize("text", ["<15%", "none", "<1GiB", "<10% and <1GiB", "< 1.5 % and <1KB", "<15", ">15%", "<5ms", "15%", "<1%<2%"])
def test_the_schema_takes_what_the_reader_takes(text):
    pattern = TypeAdapter(written(*FREE)).json_schema()["pattern"]
    try:
        parse(text, *FREE)
        taken = True
    except ValueError:
        taken = False
    assert bool(re.search(pattern, text)) == taken
