"""Keys of logs: equal for equal parts only, bounded, and readable again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.keys import MOST, key_of, parts_of

ANY = st.one_of(
    st.text(max_size=20), st.text(min_size=100, max_size=600), st.sampled_from(["", '"', "\\", '{"begins":"x"}', "…", "\0", "\ud800"])
)


@given(st.lists(ANY, min_size=1, max_size=4), st.lists(ANY, min_size=1, max_size=4))
def test_only_equal_parts_make_equal_keys_and_none_is_too_long(one, other):
    assert (key_of(*one) == key_of(*other)) == (one == other)
    assert key_of(*one).isascii()
    assert len(key_of(*one)) <= MOST


@given(st.lists(st.text(max_size=10), min_size=1, max_size=4))
def test_short_parts_are_read_again_as_they_were(parts):
    assert parts_of(key_of(*parts)) == tuple(parts)


def test_a_long_part_is_read_again_as_its_beginning_and_the_short_ones_as_they_were():
    name, target, author = parts_of(key_of("author", "git:/" + "x" * 500, "alice"))
    assert (name, author) == ("author", "alice")
    assert target.startswith("git:/xxx")
    assert "…" in target


@pytest.mark.parametrize("change", [lambda text: text[:-1] + "y", lambda text: "y" + text[1:], lambda text: text[:300] + "y" + text[301:]])
def test_long_parts_differ_wherever_they_differ(change):
    text = "x" * 600
    assert key_of("target", text) != key_of("target", change(text))


def test_no_text_can_pass_for_the_digest_of_another():
    digested = json.loads(key_of("target", "x" * 600))[1]
    assert key_of("target", json.dumps(digested)) != key_of("target", "x" * 600)


def test_four_parts_of_which_each_needs_its_digest_still_fit():
    assert len(key_of("\x1f" * 8 + "\x0b" + "\U00010000" * 2, *("0" * 100,) * 3)) <= MOST
    assert len(key_of(*('"' * 500,) * 4)) <= MOST
