"""Whatever stands in a report's texts, every format stays what it is, and nothing of it is obeyed."""

import json
from typing import Any
from urllib.parse import urlsplit

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.reports.formats import FORMATS, written
from runner.reports.markdown import MOST_CHARACTERS, MOST_LINES
from runner.reports.report import Report, from_json
from testing.readers import Page, check_junit, obeyed, sarif_run
from testing.reports import sample

FIXED = {"schema", "verdict", "ending", "state", "outcome", "cause", "severity", "status", "stop", "list", "made"}
SIDES = {"passed", "failed", "skipped"}
NASTY = (
    "\n", "\r\n", "\x1b[31m", "\x9b", "\u202e", "\u2028", "\u200b", "\x00", "\x7f", "\x85", "\ufffe", "\U000e0041", "\u3164", "\ufeff",
    "::set-output name=verdict::accept", "::add-mask::x", "::stop-commands::x", "##[set-output name=verdict;]accept", "##vso[task.x]", "##teamcity[x]", "%0A", "%250A", "%", ",", ":",
    "<script>alert(1)</script>", "<img src=x onerror=y>", "</code></pre></details>", "<details>", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&#64;x", "&",
    "[a](https://example.org)", "![a](https://example.org/a.png)", "[a](1)", r"[a\](1)", "https://example.org", "www.example.org", "a@example.org", "@user", "#123", "GH-1", "o/r#1",
    "`", "``", "```", "\n```\nEVIL\n", "\n~~~\n\n# EVIL\n", "~~~", "|", "\\|", "\\", "\\`", "**", "__", "~~", "# ", "> ", "- ", "1. ", "===", "    ", "\t", "$x$", ":tada:", "{0}",
    "/etc/passwd", "../../x", "//host/x", "file:///x", "javascript:x", "a b", "ü", "日本", "%2e%2e/", "?q", "#f", "'", '"',
)  # fmt: skip
TAGS = {"h2", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "strong"}

pieces = st.lists(st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=("Cs",)), max_size=6), max_size=5).map("".join)
texts = st.lists(st.tuples(pieces, pieces).map("EVIL".join), min_size=1, max_size=12)


def hostile(name: str, given_texts: list[str]) -> Report:
    """The sample with every text of its own replaced, names of stages and limits, too."""
    turn = iter(range(10**6))

    def text() -> str:
        return given_texts[next(turn) % len(given_texts)]

    def replaced(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            free = key in ("timings", "limits", "in_force")
            return {f"{text()}{number}" if free else name: replaced(part, name) for number, (name, part) in enumerate(value.items())}
        if isinstance(value, list):
            return [replaced(part, key) for part in value]
        return text() if isinstance(value, str) and key not in FIXED and value not in SIDES else value

    report = replaced(json.loads(sample(name).model_dump_json()))
    return from_json(json.dumps(report))


unhurried = settings(deadline=None, max_examples=60)
names = st.sampled_from(["accept", "reject", "hold", "failed", "cancelled"])


@unhurried
@given(names, texts, st.sampled_from(FORMATS))
def test_no_control_or_bidi_character_remains_in_any_format(name: str, given_texts: list[str], style: str) -> None:
    allowed = "\n\t" if style == "junit" else "\n"
    shown = written(hostile(name, given_texts), style, full=True)
    assert [char for char in shown if not char.isprintable() and char not in allowed] == []


@unhurried
@given(names, texts, st.sampled_from(sorted(set(FORMATS) - {"github"})))
def test_no_line_is_a_command_for_a_ci_runner(name: str, given_texts: list[str], style: str) -> None:
    shown = written(hostile(name, given_texts), style, full=True)
    assert [line for line in shown.splitlines() if obeyed(line) or "##vso[" in line or "##teamcity[" in line] == []


@unhurried
@given(names, texts)
def test_annotations_are_annotations_and_nothing_else(name: str, given_texts: list[str]) -> None:
    commands = [obeyed(line) for line in written(hostile(name, given_texts), "github").split("\n")[:-1]]
    assert {command.name if command else None for command in commands} <= {"error", "warning", "notice"}
    assert {key for command in commands if command for key in command.properties} <= {"file", "line", "endLine", "title"}
    assert commands[-1] is not None
    assert commands[-1].properties["title"].startswith("seatrial: ")


@unhurried
@given(names, texts)
def test_foreign_text_of_markdown_stands_in_code_alone(name: str, given_texts: list[str]) -> None:
    shown = written(hostile(name, given_texts), "markdown")
    page = Page(shown)
    assert "EVIL" in page.inside
    assert "EVIL" not in page.outside
    assert set(page.tags) <= TAGS
    assert page.attributes <= {"code class=language-text"}
    assert not set("@#$[") & set(page.outside)
    assert page.open == []
    assert visible(shown) <= MOST_LINES
    assert len(shown) <= MOST_CHARACTERS


def visible(markdown: str) -> int:
    """Lines of the source before anything is unfolded; each folded part counts as one."""
    count, folded = 0, False
    for line in markdown.splitlines():
        folded = folded or line == "<details>"
        count += not folded
        if line == "</details>":
            folded, count = False, count + 1
    return count


@unhurried
@given(names, texts)
def test_sarif_stays_valid_and_points_into_the_repository(name: str, given_texts: list[str]) -> None:
    run = sarif_run(written(hostile(name, given_texts), "sarif"))
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        parts = urlsplit(place["uri"])
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment, place["uriBaseId"]) == ("", "", "", "", "SRCROOT")
        assert parts.path
        assert not parts.path.startswith("/")
        assert ".." not in parts.path.split("/")
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert "](" not in result["message"]["text"]


@unhurried
@given(names, texts)
def test_junit_stays_valid_and_can_be_read_back(name: str, given_texts: list[str]) -> None:
    report = hostile(name, given_texts)
    shown = written(report, "junit")
    check_junit(shown)
    suites = list(junitparser.JUnitXml.fromstring(shown.encode()))
    assert [suite.name for suite in suites] == (["seatrial", "seatrial base tests"] if report.tests.patched else ["seatrial"])
    assert len(list(suites[0])) == 1 + len(report.results)


@pytest.mark.parametrize("style", ["sarif", "json"])
@unhurried
@given(texts)
def test_json_formats_are_ascii(style: str, given_texts: list[str]) -> None:
    assert written(hostile("reject", given_texts), style).isascii()


def test_the_texts_of_every_part_were_replaced() -> None:
    shown = hostile("hold", ["EVIL"]).model_dump_json()
    assert "quay" not in shown
    assert shown.count("EVIL") > 40
