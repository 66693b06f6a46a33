"""The JSON report."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import runner.reports.report as module
from runner.model.change import Change
from runner.model.promotion import Step
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Command, Landed, PolicyFacts, Run
from runner.model.said import Said
from runner.reports.report import build, from_json, json_schema, schema_text, to_json, with_decisions
from runner.reports.text import render

Make = Callable[..., Run]
FIELDS = "schema run verdict ending state reason next exit_code retry_after change policy results tests sandbox level timings notes promotion backup decisions"


@pytest.mark.parametrize(
    ("ending", "verdict", "state", "code"),
    [
        ("accepted", "accept", "ended", 0),
        ("rejected", "reject", "ended", 1),
        ("held", "hold", "held", 3),
        ("failed", None, "ended", 4),
        ("refused", None, "ended", 75),
        ("cancelled", None, "ended", 130),
        ("running", None, "running", None),
    ],
)
def test_each_ending_has_its_verdict_its_state_and_its_exit_code(
    run_of: Make, ending: str, verdict: str | None, state: str, code: int | None
) -> None:
    report = json.loads(to_json(build(run_of(ending))))
    assert (report["verdict"], report["state"], report["exit_code"]) == (verdict, state, code)
    assert report["ending"] == (None if ending in ("held", "running") else ending)


def test_the_report_has_the_fields_of_the_contract(run_of: Make) -> None:
    report = json.loads(to_json(build(run_of())))
    assert list(report) == FIELDS.split()
    assert report["schema"] == "seatrial.report/v1"
    assert {"id", "patch_id", "base", "tree", "files", "added", "deleted"} <= set(report["change"])
    assert (report["change"]["files"], report["change"]["added"], report["change"]["deleted"]) == (1, 3, 1)
    assert report["policy"] == {"source": "builtin:default", "digest": "d" * 64}
    assert set(report["sandbox"]) >= {"image", "digest", "runtime", "limits"}
    assert (report["promotion"], report["backup"]) == (None, None)


def test_broken_and_missing_are_plain_test_ids_and_their_details_stand_beside(run_of: Make) -> None:
    tests = json.loads(to_json(build(run_of())))["tests"]
    assert tests["broken"] == ["tests/test_a.py::test_sum"]
    assert (tests["missing"], tests["skipped"], tests["flaky"], tests["new"]) == ([], [], [], [])
    pair = tests["pairs"][0]
    assert (pair["id"], pair["list"], pair["base"], pair["patched"]) == ("tests/test_a.py::test_sum", "broken", "passed", "failed")
    assert "assert 3 == 4" in pair["text"]


def test_a_run_without_a_trial_still_has_every_list(run_of: Make) -> None:
    tests = json.loads(to_json(build(run_of(tests=None))))["tests"]
    assert (tests["base"], tests["patched"], tests["broken"], tests["missing"]) == (None, None, [], [])


def test_a_refusal_says_when_to_come_again(run_of: Make) -> None:
    refusals = tuple(
        Result(check=name, outcome=Outcome.REFUSE, reason="not now", retry_after=wait) for name, wait in (("rate", 5.0), ("breaker", 60.0))
    )
    assert build(run_of("refused", results=refusals)).retry_after == 60.0
    assert build(run_of("rejected")).retry_after is None


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "git apply --index fix.diff"),
        ({"source": "it's; rm -rf x.diff"}, "git apply --index 'it'\"'\"'s; rm -rf x.diff'"),
        ({"source": "-"}, "seatrial run show abc123abc123"),
        ({"source": "--exec=x.diff"}, "seatrial run show abc123abc123"),
        ({"source": "topic", "kind": "revision"}, "git merge topic"),
        ({"source": "topic", "kind": "revision", "base_label": "topic^ (ccccccc)"}, "git cherry-pick topic"),
        ({"source": "a..b", "kind": "range"}, "git diff --binary a..b | git apply --index"),
        ({"source": "work tree", "kind": "work", "head_label": "topic + uncommitted work"}, "git add --all && git commit"),
        ({"source": "work tree", "kind": "work", "head_label": "topic (1234567)"}, "seatrial run show abc123abc123"),
        ({"source": "over", "kind": "overlay"}, "seatrial run show abc123abc123"),
    ],
)
def test_after_an_accept_the_next_command_takes_the_change(
    run_of: Make, change_of: Callable[..., Change], given: dict[str, str], command: str
) -> None:
    assert build(run_of("accepted", change=change_of(**given))).next == command


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "git -C {repo} apply --index {cwd}/fix.diff"),
        ({"source": "/else where/x.diff"}, "git -C {repo} apply --index '/else where/x.diff'"),
        ({"source": "topic", "kind": "revision"}, "git -C {repo} merge topic"),
        ({"source": "a..b", "kind": "range"}, "git -C {repo} diff --binary a..b | git -C {repo} apply --index"),
    ],
)
@pytest.mark.parametrize("named", ["", "sub/folder"])
def test_typed_elsewhere_the_next_command_names_the_root_of_the_repository(
    run_of: Make, change_of: Callable[..., Change], tmp_path: Path, given: dict[str, str], command: str, named: str
) -> None:
    (tmp_path / "app/.git").mkdir(parents=True)
    run = run_of("accepted", change=change_of(**given), repository=str(tmp_path / "app" / named))
    expected = command.format(repo=tmp_path / "app", cwd=Path.cwd())
    assert build(run, here=tmp_path).next == build(run, here=tmp_path / "app/sub").next == expected
    assert "-C" not in build(run, here=tmp_path / "app").next


@pytest.mark.parametrize(
    ("ending", "word"),
    [("rejected", "run logs abc123abc123"), ("held", "run show abc123abc123"), ("failed", "doctor"), ("refused", "run show")],
)
def test_after_anything_else_the_next_command_explains(run_of: Make, ending: str, word: str) -> None:
    assert build(run_of(ending)).next.startswith(f"seatrial {word}")


@pytest.mark.parametrize(
    ("gate", "command"), [("breaker", "breaker list"), ("rate", "limits"), ("health", "health"), ("x", "run show abc123abc123")]
)
def test_after_a_refusal_the_next_command_tells_when_there_is_room(run_of: Make, gate: str, command: str) -> None:
    refusal = Result(check=gate, outcome=Outcome.REFUSE, reason="not now", retry_after=60.0)
    builtin = PolicyFacts(source="builtin:default", digest="d" * 64)
    assert build(run_of("refused", results=(refusal,), policy=builtin)).next == f"seatrial {command}"
    of_the_base = PolicyFacts(source=".seatrial/policy.yaml of main (ccccccc)", digest="d" * 64)
    assert build(run_of("refused", results=(refusal,), policy=of_the_base)).next == f"seatrial {command}"
    by_file = build(run_of("refused", results=(refusal,), policy=PolicyFacts(source="my own.yaml", digest="d" * 64))).next
    assert by_file == f"seatrial {command}" + (" --policy 'my own.yaml'" if gate in ("rate", "health") else "")


def test_what_was_written_reads_back_the_same_and_is_only_ascii(run_of: Make) -> None:
    report = build(run_of(notes=("böse \u202e\x1b[31m\u0000 Zeichen",)))
    assert to_json(report).isascii()
    assert "\x1b" not in to_json(report)
    assert from_json(to_json(report)) == report


def test_a_report_of_a_newer_version_can_still_be_read(run_of: Make) -> None:
    newer = json.loads(to_json(build(run_of()))) | {"invented_later": 1}
    newer["change"]["invented_later"] = 2
    assert from_json(json.dumps(newer)) == build(run_of())


def test_a_number_that_json_does_not_know_is_null(run_of: Make) -> None:
    odd = Result(check="x", outcome=Outcome.WARN, reason="", measured=float("nan"), limit=float("inf"))
    text = to_json(build(run_of(results=(odd,))))
    assert json.loads(text, parse_constant=pytest.fail)["results"][0]["measured"] is None


def test_the_shipped_schema_is_current() -> None:
    shipped = Path(module.__file__).with_name("report.v1.schema.json")
    assert shipped.read_text() == schema_text(), "run: python -c 'from runner.reports.report import *; ...' and write schema_text() to it"


@pytest.mark.parametrize("ending", ["accepted", "rejected", "held", "failed", "refused", "cancelled", "running"])
def test_every_report_is_valid_by_the_schema(run_of: Make, ending: str) -> None:
    for run in (run_of(ending), run_of(ending, tests=None, sandbox=None)):
        assert list(misfits(json.loads(to_json(build(run))), json_schema())) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("verdict", "perhaps"), ("exit_code", "1"), ("schema", "seatrial.report/v2"), ("results", [{"check": "x"}]), ("timings", {"a": "1s"})],
)
def test_what_is_no_report_is_not_valid_by_the_schema(run_of: Make, field: str, value: object) -> None:
    assert list(misfits(json.loads(to_json(build(run_of()))) | {field: value}, json_schema()))


def test_a_report_that_lacks_a_field_is_not_valid_by_the_schema(run_of: Make) -> None:
    report = json.loads(to_json(build(run_of())))
    assert [field for field in report if not list(misfits({k: v for k, v in report.items() if k != field}, json_schema()))] == []


def misfits(value: Any, schema: dict[str, Any], defs: dict[str, Any] | None = None, path: str = "$") -> Iterator[str]:
    """Where a value breaks a schema; knows the keywords that ours use and refuses any other."""
    defs = schema.get("$defs", {}) if defs is None else defs
    for word, given in schema.items():
        if word in _WORDS:
            yield from (f"{path}: {fault}" for fault in _WORDS[word](value, given, schema, defs))
        elif word not in _SILENT:
            pytest.fail(f"the schema uses {word}, which this test does not know")


_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "array": list, "object": dict}
_SILENT = {"$schema", "$id", "$defs", "title", "description", "default", "format"}


def _type(value: Any, given: Any, *_: Any) -> Iterator[str]:
    if not isinstance(value, _TYPES[given]) or (isinstance(value, bool) and given != "boolean"):
        yield f"{value!r} is no {given}"


def _enum(value: Any, given: Any, *_: Any) -> Iterator[str]:
    if value not in given:
        yield f"{value!r} is none of {given}"


def _any_of(value: Any, given: Any, _: Any, defs: dict[str, Any]) -> Iterator[str]:
    if all(list(misfits(value, choice, defs)) for choice in given):
        yield f"{value!r} fits no choice"


def _required(value: Any, given: Any, *_: Any) -> Iterator[str]:
    yield from (name for name in given if isinstance(value, dict) and name not in value)


def _properties(value: Any, given: Any, _: Any, defs: dict[str, Any]) -> Iterator[str]:
    known = [name for name in given if isinstance(value, dict) and name in value]
    yield from (fault for name in known for fault in misfits(value[name], given[name], defs, name))


def _others(value: Any, given: Any, schema: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    others = [name for name in value if name not in schema.get("properties", {})] if isinstance(value, dict) else []
    yield from (fault for name in others for fault in misfits(value[name], given, defs, name))


def _items(value: Any, given: Any, _: Any, defs: dict[str, Any]) -> Iterator[str]:
    yield from (fault for item in (value if isinstance(value, list) else []) for fault in misfits(item, given, defs))


_WORDS: dict[str, Callable[..., Iterator[str]]] = {
    "$ref": lambda value, given, _, defs: misfits(value, defs[given.removeprefix("#/$defs/")], defs),
    "type": _type,
    "enum": _enum,
    "const": lambda value, given, *_: _enum(value, [given]),
    "anyOf": _any_of,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _others,
    "items": _items,
}


def test_where_the_base_is_no_measure_the_next_command_writes_down_how_it_is_run_or_shows_what_it_printed(
    run_of: Make, tmp_path: Path
) -> None:
    lacking = (Result(check="base", outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="no module yaml"),)
    builtin = PolicyFacts(source="builtin:default", digest="d" * 64)
    given = run_of("held", results=lacking, repository=str(tmp_path))
    assert build(given).next == "seatrial run logs abc123abc123"
    assert build(given.with_(policy=builtin)).next == "seatrial run logs abc123abc123"  # no work tree that init could write to
    (tmp_path / ".git").mkdir()
    assert build(given.with_(policy=builtin), here=tmp_path).next == "seatrial init"
    assert build(given.with_(policy=builtin), here=tmp_path / "x").next == f"seatrial init --repo {tmp_path}"


def test_what_people_said_is_told_after_the_promotion_in_text_and_json(run_of: Make) -> None:
    said = Said(verb="approve", who="ann\x1b", reason="seen\n::error::", at="2026-11-30T12:00:00Z")
    report = with_decisions(build(run_of("held")), [said])
    assert "said       approve by ann\\x1b at 2026-11-30T12:00:00Z: seen\\n::error::" in render(report)
    assert from_json(to_json(report)).decisions[0].reason == said.reason
    assert build(run_of("held")).decisions == ()


def test_a_promotion_that_is_held_is_confirmed_by_a_command_that_can_be_typed_as_it_stands(run_of: Make) -> None:
    landed = Landed(target="dir:/srv/app", step=Step.PROMOTED, before="b" * 40, after="7" * 40)
    held = run_of("held", command=Command.SUBMIT, promotion=landed)
    assert build(held).next == f'seatrial confirm {held.id} --reason "..."'
