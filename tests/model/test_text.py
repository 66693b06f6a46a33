"""Foreign text on a terminal and in a log."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.text import cut, inert, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red] text", "plain [red] text"),
        ("Grüße 日本語 ✓ 🎉", "Grüße 日本語 ✓ 🎉"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("line\nline\ttab\rback", "line\\nline\\ttab\\rback"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("a\u3164\ufe0f", "a\\u3164\\ufe0f"),
        ("x ##[set-output name=verdict;]accept", "x ##\\x5bset-output name=verdict;]accept"),
        ("##vso[task.setvariable]", "##vso\\x5btask.setvariable]"),
        ("##teamcity[buildStatus status='SUCCESS']", "##teamcity\\x5bbuildStatus status='SUCCESS']"),
        ("  ::set-output name=verdict::accept", "  \\x3a:set-output name=verdict::accept"),
        ("tests/a.py::test_b [x] ## [y]", "tests/a.py::test_b [x] ## [y]"),
    ],
)
def test_what_could_play_tricks_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_and_tabs_stay_where_lines_are_wanted_and_nothing_else() -> None:
    assert printable("a\n\tb\r\n\x0b", lines=True) == "a\n\tb\\r\n\\x0b"


def test_no_line_of_foreign_text_is_a_command_of_a_ci_runner() -> None:
    assert printable("a\n::add-mask::x\n\t::stop-commands::y\nb::c", lines=True) == "a\n\\x3a:add-mask::x\n\t\\x3a:stop-commands::y\nb::c"


def test_a_json_document_says_the_same_and_holds_no_command() -> None:
    said = {"reason": "##[set-output name=verdict;]accept ##vso[x] \x7f"}
    document = inert(json.dumps(said))
    assert json.loads(document) == said
    assert "##[" not in document
    assert "##vso[" not in document
    assert document.isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_hidden_ever_remains(text: str) -> None:
    shown = printable(text)
    assert all(char.isprintable() for char in shown)
    shown.encode("utf-8")


def test_a_cut_is_visible() -> None:
    assert (cut("abcdef", 4), cut("abc", 4)) == ("abc…", "abc")
