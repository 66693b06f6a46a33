"""JUnit reports of several tools, and of attackers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.trial import junit

CASES = """<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="6" failures="1" errors="1">
  <testsuite name="outer" tests="4" failures="1" errors="1" skipped="1">
    <testcase classname="pkg.A" name="one" time="0.25" file="tests/a.py"/>
    <testcase classname="pkg.A" name="two" time="1,000.5"><failure message="m" type="t">the text</failure></testcase>
    <testcase classname="pkg.A" name="three" file="/work/tests/b.py"><error message="e"/></testcase>
    <testcase classname="pkg.A" name="four" file="../x"><skipped message="why"/></testcase>
    <testsuite name="inner" tests="2">
      <testcase name="bare"/>
      <testcase name="bare" status="notrun"/>
    </testsuite>
  </testsuite>
</testsuites>"""


def test_cases_of_nested_suites_become_records():
    told = junit.read(CASES.encode())
    assert told.problem == ""
    assert [(t.id, t.outcome.value, t.path) for t in told.tests] == [
        ("pkg.A::one", "passed", "tests/a.py"),
        ("pkg.A::two", "failed", ""),
        ("pkg.A::three", "error", "tests/b.py"),
        ("pkg.A::four", "skipped", ""),
        ("bare", "passed", ""),
        ("bare#2", "skipped", ""),
    ]
    assert told.tests[0].seconds == 0.25
    assert told.tests[1].text == "m\nthe text"


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        (None, "no JUnit report"),
        (b"  \n", "empty"),
        (b"not xml", "cannot be read"),
        (b"<testsuite><testcase name='a'/>", "cannot be read"),
        (b"<html/>", "neither testsuites nor testsuite"),
        (b"<testsuite/>", "holds no test"),
        (b"<testsuite tests='1'><testcase name='a'/><testcase name='b'/></testsuite>", "says 1 tests and lists 2"),
        (b"<testsuite tests='1' failures='0' errors='0'><testcase name='a'><failure/></testcase></testsuite>", "counts 0 failures"),
        (b"<testsuite tests='1' failures='2'><testcase name='a'><failure/></testcase></testsuite>", "counts 2 failures"),
        (b"<!DOCTYPE x><testsuite><testcase name='a'/></testsuite>", "refused"),
        ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuite/>".encode("utf-16"), "refused"),
        (b"<a>" * 60 + b"</a>" * 60, "nested too deeply"),
        (b"<?xml version='1.0' encoding='no-such'?><testsuite/>", "cannot be read"),
        (b"<testsuite>" + b" " * (16 * 2**20) + b"</testsuite>", "larger than 16 MiB"),
    ],
)
def test_what_proves_nothing_says_why(content, sign):
    assert sign in junit.read(content).problem


def test_an_entity_bomb_is_refused_at_once():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY e0 "boom">{levels}]><testsuite><testcase name="&e11;"/></testsuite>'
    began = time.monotonic()
    told = junit.read(bomb.encode())
    assert "refused" in told.problem
    assert told.tests == ()
    assert time.monotonic() - began < 1


def test_totals_that_are_no_numbers_are_no_totals():
    told = junit.read(b"<testsuite tests='many' failures=''><testcase name='a' time='long'/></testsuite>")
    assert (told.problem, told.tests[0].seconds) == ("", 0.0)


def test_more_elements_than_any_suite_has_are_refused(monkeypatch):
    monkeypatch.setattr(junit, "MOST_ELEMENTS", 10)
    assert "too many" in junit.read(b"<testsuite>" + b"<testcase name='a'/>" * 11 + b"</testsuite>").problem


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.builds(lambda a, b: CASES.encode()[:a] + b + CASES.encode()[a:], st.integers(0, len(CASES)), st.binary(max_size=6))
)
def test_damaged_reports_never_break_the_reader(content):
    told = junit.read(content)
    assert told.problem or told.tests


def test_subtests_that_are_counted_and_not_listed_are_no_contradiction() -> None:
    told = junit.read(b"<testsuite tests='5' failures='0'><testcase name='a'/><testcase name='b'/></testsuite>")
    assert (told.problem, [test.id for test in told.tests]) == ("", ["a", "b"])
