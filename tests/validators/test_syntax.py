"""The layer `syntax`: what parsed before must parse still, and no parser can take seatrial down."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.result import Cause, Outcome, Result
from runner.parsing import Source
from runner.validators import syntax

Judged = Callable[..., Result]
GOOD = {"py": "a = 1\n", "json": "{}", "toml": "a = 1\n", "yaml": "a: 1\n", "xml": "<a/>"}
BAD = {"py": "a = (\n", "json": "{", "toml": "a =\n", "yaml": "a: [\n", "xml": "<a>"}
GRAVE = {"py": Outcome.FAIL, "json": Outcome.FAIL, "toml": Outcome.FAIL, "yaml": Outcome.HOLD, "xml": Outcome.HOLD}


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_file_that_parsed_and_does_not_is_found_with_its_language(judged: Judged, kind: str) -> None:
    result = judged(syntax, {f"src/a.{kind}": GOOD[kind]}, {f"src/a.{kind}": BAD[kind]})
    assert result.outcome is GRAVE[kind]
    assert "parsed on the base" in result.findings[0].message


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_file_that_never_parsed_is_no_news(judged: Judged, kind: str) -> None:
    assert judged(syntax, {f"src/a.{kind}": BAD[kind] + "#"}, {f"src/a.{kind}": BAD[kind]}).outcome is Outcome.PASS


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_good_files_pass(judged: Judged, kind: str) -> None:
    assert judged(syntax, {}, {f"src/a.{kind}": GOOD[kind]}).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("path", "content", "outcome"),
    [
        ("src/new.py", "def f(:\n", Outcome.FAIL),
        ("tests/data/broken.py", "def f(:\n", Outcome.WARN),
        ("tests/test_new.py", "def f(:\n", Outcome.FAIL),
        ("tests/broken.json", "{", Outcome.WARN),
        ("tsconfig.json", "{} // comment", Outcome.WARN),
        ("chart/values.yaml", "a: {{ x }}: [", Outcome.WARN),
        ("src/gone.py", "return\n", Outcome.FAIL),
        ("src/nul.py", "a = 1\0\n", Outcome.FAIL),
    ],
)
def test_new_files_are_judged_by_what_they_may_be_for(judged: Judged, path: str, content: str, outcome: Outcome) -> None:
    assert judged(syntax, {}, {path: content}).outcome is outcome


def test_a_finding_names_the_line(judged: Judged) -> None:
    result = judged(syntax, {}, {"a.py": "a = 1\nb = = 2\n"})
    assert (result.findings[0].line, result.findings[0].rule) == (2, "syntax.python")
    assert result.reason.startswith("a.py:2: ")


@pytest.mark.parametrize("code", ["type X = int\n", "def f[T](x: T) -> T: ...\n", 'f"{\'a\' + "b"}"\n', "try: ...\nexcept A, B: ...\n"])
def test_what_may_be_newer_syntax_than_ours_is_unknown_and_never_fails(judged: Judged, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "parse", lambda sources: [_as_by_python_311(source) for source in sources])
    result = judged(syntax, {}, {"a.py": code})
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)


def _as_by_python_311(source: Source) -> syntax.Parse:
    text = source.content.decode()
    return syntax.Parse("broken", "f-string: expecting '}'" if text.startswith('f"') else "invalid syntax", 1, text.splitlines()[-1])


def test_a_declared_version_newer_than_ours_makes_every_python_error_unknown(judged: Judged) -> None:
    base = {"pyproject.toml": '[project]\nrequires-python = ">=3.99"\n'}
    assert judged(syntax, base, {**base, "a.py": "a = = 1\n"}).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("options", "requires", "outcome"),
    [
        ({}, ">=3.8", Outcome.WARN),
        ({"python": "3.8"}, ">=3.10", Outcome.FAIL),
        ({}, ">=3.10", Outcome.PASS),
        ({"python": "3.10"}, ">=3.8", Outcome.PASS),
    ],
)
def test_syntax_newer_than_declared_warns_and_newer_than_the_policy_says_fails(
    judged: Judged, options: dict[str, str], requires: str, outcome: Outcome
) -> None:
    base = {"pyproject.toml": f'[project]\nrequires-python = "{requires}"\n'}
    assert judged(syntax, base, {**base, "a.py": "match x:\n    case 1: pass\n"}, **options).outcome is outcome


def test_an_encoding_that_hides_code_holds(judged: Judged) -> None:
    result = judged(syntax, {}, {"a.py": b"# coding: utf-7\n+AHAAcgBpAG4AdA-(1)\n"})
    assert (result.outcome, result.findings[0].rule) == (Outcome.HOLD, "syntax.encoding")


@pytest.mark.parametrize(
    "content", [b"a = " + b"-" * 200_000 + b"1", b"a = 1" + b"+1" * 200_000, b"lambda:" * 5000 + b"0"], ids=["minus", "sum", "lambda"]
)
def test_code_too_deep_for_the_parser_is_unknown(judged: Judged, content: bytes) -> None:
    result = judged(syntax, {}, {"a.py": content, "b.py": "x = 1\n"})
    assert result.outcome is Outcome.UNKNOWN
    assert [finding.path for finding in result.findings] == ["a.py"]


def test_nothing_that_is_parsed_is_imported_or_run(tmp_path: Path, judged: Judged) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w').write('x')\n"
    judged(syntax, {}, {"yaml.py": code, "tomllib.py": code, "a.yaml": f"!!python/object/apply:os.system ['touch {marker}']"})
    assert not marker.exists()


def test_entities_of_xml_are_never_expanded(judged: Judged) -> None:
    bomb = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'>" + "".join(f"<!ENTITY x{n} '&x;&x;'>" for n in range(9)) + "]><a>&x8;</a>"
    assert judged(syntax, {}, {"a.xml": bomb}).outcome is Outcome.WARN


def test_links_and_removed_files_are_not_parsed(judged: Judged) -> None:
    assert judged(syntax, {"a.py": "a = ("}, {}).outcome is Outcome.PASS


def test_more_than_is_read_at_once_is_unknown(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MOST_TOGETHER", 10)
    result = judged(syntax, {}, {"a.py": "x = 1\n", "b.py": "x = 1\n"})
    assert (result.outcome, result.cause, [finding.path for finding in result.findings]) == (Outcome.UNKNOWN, Cause.EVIDENCE, ["b.py"])
