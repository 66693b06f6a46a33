"""TAP streams of versions 12 to 14."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.trial import tap

STREAM = r"""TAP version 14
make: entering
1..8
ok 1 - plain
not ok 2 - broken
  ---
  message: 'it broke'
  ...
# a comment
ok 3 - left out # SKIP no network
not ok 4 - later # TODO not yet
ok 5 - sooner # todo
# Subtest: nested
    ok 1 - inner
    not ok 2 - inner too
    1..2
not ok 6 - nested
ok 7
ok - with a \# sign
"""


def test_directives_nested_tests_and_diagnostics_are_read():
    told = tap.read(STREAM)
    assert told.problem == ""
    assert [(t.id, t.outcome.value) for t in told.tests] == [
        ("plain", "passed"),
        ("broken", "failed"),
        ("left out", "skipped"),
        ("later", "xfailed"),
        ("sooner", "xpassed"),
        ("nested", "failed"),
        ("test 7", "passed"),
        ("with a # sign", "passed"),
    ]
    assert "it broke" in told.tests[1].text
    assert told.tests[2].text == "no network"


def test_equal_descriptions_are_numbered():
    assert [t.id for t in tap.read("ok 1 a\nok 2 a\n1..2\n").tests] == ["a", "a#2"]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("", "no TAP test"),
        ("1..0 # SKIP nothing to do\n", "no TAP test"),
        ("ok 1\n", "no plan"),
        ("1..1\n1..1\nok 1\n", "2 plans"),
        ("1..3\nok 1\nok 2\n", "says 3 tests, 2 were reported"),
        ("1..2\nok 1\nok 1\n", "do not run from 1"),
        ("1..2\nok 1\nBail out! no database\n", "bailed out: no database"),
        ("1..1\nokay\n", "no TAP test"),
    ],
)
def test_a_stream_that_is_not_whole_says_why(text, sign):
    assert sign in tap.read(text).problem


def test_output_that_was_cut_proves_nothing():
    assert tap.read("1..1\nok 1\n", truncated=True).tests == ()


@given(st.lists(st.sampled_from(STREAM.splitlines()) | st.text(max_size=20), max_size=12).map("\n".join))
def test_odd_streams_never_break_the_reader(text):
    told = tap.read(text)
    assert told.problem or told.tests
