"""What a whole check says of changes of every sort, in real sandboxes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.run import Run
from runner.reports.report import build
from runner.reports.text import render
from runner.trial import bench
from testing.whole import ROOT, answers, commit, git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Diff = Callable[[dict[str, str | None]], Path]
Judged = Callable[..., Run]
QUAY = (ROOT / "examples/berth/src/berth/quay.py").read_text()
TEST_QUAY = (ROOT / "examples/berth/tests/test_quay.py").read_text()
BUG = QUAY.replace("berth.length < ship_length", "berth.length <= ship_length")
READS_DATA = """
import os
from berth.quay import Berth, assign

def test_exact():
    with open(os.path.join(os.path.dirname(os.fsencode(__file__)), b"expected_\\xff.txt")) as data:
        assert assign([Berth("A", 100), Berth("B", 80)], 80).name == data.read()
"""
EXACT = "tests/test_quay.py::test_an_exact_fit_is_a_fit"


@pytest.mark.parametrize(("name", "verdict"), [("good", "accept"), ("broken", "reject"), ("cheating", "reject")])
def test_the_three_example_changes(name: str, verdict: str, judged: Judged) -> None:
    run = judged(ROOT / f"examples/changes/{name}.diff")
    assert run.decision is not None
    assert run.decision.verdict == verdict


def test_a_broken_test_is_named_with_its_assertion(judged: Judged, diff: Diff) -> None:
    run = judged(diff({"src/berth/quay.py": BUG}))
    assert run.tests is not None
    assert [pair.id for pair in run.tests.broken] == [EXACT]
    assert "assert 'A' == 'B'" in run.tests.broken[0].text


@pytest.mark.parametrize(
    "trick",
    [
        {"tests/test_quay.py": TEST_QUAY.replace("def test_an_exact", "def no_test_an_exact")},
        {"tests/test_quay.py": TEST_QUAY.replace('assign(QUAY, 80).name == "B"', 'assign(QUAY, 80).name == "A"')},
        {"tests/test_quay.py": "import pytest\npytestmark = pytest.mark.skip\n" + TEST_QUAY},
        {"tests/test_quay.py": None},
    ],
    ids=["renamed", "expectation edited", "skipped", "deleted"],
)
def test_a_bug_together_with_an_edit_of_the_test_that_sees_it_is_held_with_the_pair_shown(
    trick: dict[str, str | None], judged: Judged, diff: Diff
) -> None:
    run = judged(diff({"src/berth/quay.py": BUG, **trick}))
    assert run.decision is not None
    assert run.decision.verdict == "hold"
    assert run.tests is not None
    assert EXACT in {pair.id for pair in run.tests.broken}


def test_a_bug_beside_a_weaker_assertion_shows_both_versions_of_the_test_and_what_the_gate_says_of_it(judged: Judged, diff: Diff) -> None:
    weaker = TEST_QUAY.replace('assert assign(QUAY, 80).name == "B"', "assert assign(QUAY, 80)")
    run = judged(diff({"src/berth/quay.py": BUG, "tests/test_quay.py": weaker}))
    (row,) = build(run).tests.touched
    assert (row.id, row.made, row.base, row.patched, row.own) == (EXACT, "edited", "passed", "failed", "passed")
    assert row.terms == ("test_an_exact_fit_is_a_fit asserts less strictly",)
    assert f"  edited          {EXACT}  passed -> failed, its own version: passed  {row.terms[0]}\n" in render(build(run))


@pytest.mark.parametrize(
    ("trick", "verdict"),
    [
        ({"tests/conftest.py": "collect_ignore = ['test_quay.py']\n"}, "reject"),
        ({"pytest.ini": "[pytest]\naddopts = --collect-only\n"}, "reject"),
        (
            {
                "src/berth/__init__.py": "import atexit, os\natexit.register(os._exit, 0)\nfrom berth.keel import *\nfrom berth.quay import *\n"
            },
            "reject",
        ),
        ({"pytest.py": "print('5 passed')\nraise SystemExit(0)\n"}, "reject"),
        ({"sitecustomize.py": "import os\nos.environ['PYTEST_ADDOPTS'] = '--co'\n"}, "reject"),
        ({"src/berth/__init__.py": "import os\nos._exit(0)\n"}, "reject"),
    ],
    ids=["conftest leaves the file out", "addopts", "exit status at exit", "shadowed pytest", "start-up hook", "exit at import"],
)
def test_hiding_a_bug_does_not_get_it_in(trick: dict[str, str | None], verdict: str, judged: Judged, diff: Diff) -> None:
    run = judged(diff({"src/berth/quay.py": BUG, **trick}))
    assert run.decision is not None
    assert run.decision.verdict == verdict, run.decision.reason


def test_promise_1_nothing_of_a_change_or_of_the_repository_runs_on_the_host(
    judged: Judged, diff: Diff, berth: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "ran-on-the-host"
    touch = f"#!/bin/sh\ntouch {marker}\ncat\n"
    script = tmp_path / "touch.sh"
    script.write_text(touch)
    script.chmod(0o755)
    hostile = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    patch = diff(
        {
            ".gitattributes": "* filter=evil diff=evil\n",
            "setup.py": hostile,
            "tests/conftest.py": hostile,
            "src/berth/quay.py": "import pathlib\ntry:\n    pathlib.Path('/work/inside').touch()\nexcept OSError: pass\n" + QUAY,
        }
    )
    for hook in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change", "pre-applypatch"):
        (berth / ".git/hooks" / hook).write_text(touch)
        (berth / ".git/hooks" / hook).chmod(0o755)
    with (berth / ".git/config").open("a") as config:
        config.write(
            f'[filter "evil"]\n\tsmudge = {script}\n\tclean = {script}\n\tprocess = {script}\n[diff "evil"]\n\ttextconv = {script}\n\tcommand = {script}\n'
        )
        config.write(f"[core]\n\tfsmonitor = {script}\n\tsshCommand = {script}\n\tpager = {script}\n\thooksPath = {berth}/.git/hooks\n")
    run = judged(patch)
    assert run.tests is not None, "the suite has run, so the changed code was imported in the sandbox"
    assert not marker.exists()


def test_promise_7_the_policy_is_the_bases_and_a_change_of_it_holds(judged: Judged, diff: Diff, berth: Path) -> None:
    (berth / ".seatrial").mkdir()
    (berth / ".seatrial/policy.yaml").write_text('seatrial: 1\nvalidate: {paths: {deny: ["src/**"]}}\n')
    commit(berth)
    run = judged(diff({".seatrial/policy.yaml": "seatrial: 1\n", "src/berth/quay.py": QUAY + "\n"}))
    assert run.policy.source.startswith(".seatrial/policy.yaml of main")
    assert answers(run)["paths"] == "fail"
    lax = judged(diff({".seatrial/policy.yaml": "seatrial: 1\n"}))
    assert answers(lax)["paths"] == "hold"


def test_promise_9_a_suite_that_imports_an_installed_release_is_unknown_with_module_and_path(
    judged: Judged, diff: Diff, berth: Path
) -> None:
    """A real one: iniconfig is in every image with pytest, and this repository holds another copy where nothing looks."""
    (berth / "code/iniconfig").mkdir(parents=True)
    (berth / "code/iniconfig/exceptions.py").write_text("class ParseError(Exception):\n    lineno: int\n")
    (berth / "code/iniconfig/__init__.py").write_text("from iniconfig.exceptions import ParseError\n")
    (berth / "tests/test_ini.py").write_text(
        "import iniconfig\nimport iniconfig.exceptions\n\n\ndef test_ini():\n    assert iniconfig.ParseError\n"
    )
    commit(berth)
    run = judged(diff({"code/iniconfig/exceptions.py": "raise SystemExit('nobody will see this')\n"}))
    origin = next(result for result in run.results if result.check == "origin")
    assert (origin.outcome, run.decision and run.decision.verdict) == ("unknown", "hold")
    assert "iniconfig.exceptions" in origin.reason
    assert "site-packages/iniconfig/exceptions.py" in origin.reason


def test_what_fails_on_the_base_is_not_held_against_the_change(judged: Judged, diff: Diff, berth: Path) -> None:
    (berth / "tests/test_red.py").write_text("def test_red():\n    assert False\n")
    commit(berth)
    run = judged(diff({"src/berth/quay.py": QUAY + "\n"}))
    assert run.decision is not None
    assert (run.decision.verdict, answers(run)["base"]) == ("accept", "warn")


def test_a_change_of_an_expectation_that_comes_with_its_tests_is_held_and_the_pairs_are_shown(judged: Judged, diff: Diff) -> None:
    keel = (ROOT / "examples/berth/src/berth/keel.py").read_text().replace("SAFETY = 0.5", "SAFETY = 1.0")
    tests = (ROOT / "examples/berth/tests/test_keel.py").read_text().replace("(0.4, False), (0.5, True)", "(0.9, False), (1.0, True)")
    run = judged(diff({"src/berth/keel.py": keel, "tests/test_keel.py": tests}))
    assert run.decision is not None
    assert run.decision.verdict == "hold"
    assert "a person must compare" in run.decision.reason


def test_a_test_that_no_longer_ends_is_broken(judged: Judged, diff: Diff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "STALL_FLOOR", 2.0)
    run = judged(
        diff({"src/berth/quay.py": QUAY.replace("    best = None\n", "    best = None\n    while ship_length == 80:\n        pass\n")})
    )
    assert run.tests is not None
    assert [(pair.id, pair.patched) for pair in run.tests.broken] == [(EXACT, "hung")]


@pytest.mark.parametrize(
    ("tests", "files", "verdict"),
    [
        (
            "{runner: command, command: [python3, -m, pytest, -q, --junitxml=/tmp/r.xml], report: junit, report_file: /tmp/r.xml}",
            {"src/berth/quay.py": BUG},
            "reject",
        ),
        (
            "{runner: command, command: [python3, -m, pytest, -q, --junitxml=/tmp/r.xml], report: junit, report_file: /tmp/r.xml}",
            {"src/berth/quay.py": QUAY + "\n"},
            "accept",
        ),
        ("{runner: command, command: [python3, -m, pytest, -q], report: exit}", {"src/berth/quay.py": BUG}, "reject"),
        ("{runner: command, command: [python3, -m, pytest, -q], report: junit}", {"src/berth/quay.py": QUAY + "\n"}, "hold"),
    ],
    ids=["junit, bug", "junit, good", "exit status, bug", "no report"],
)
def test_a_suite_run_by_a_command_is_judged_by_its_report(
    tests: str, files: dict[str, str | None], verdict: str, judged: Judged, diff: Diff, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"seatrial: 1\ntests: {tests}\n")
    run = judged(diff(files), policy=policy)
    assert run.decision is not None
    assert run.decision.verdict == verdict, run.decision.reason


DOCTEST = {"pytest.ini": "[pytest]\naddopts = --doctest-modules src tests\n"}
DOCUMENTED = QUAY.replace(
    '    """The shortest free berth that is long enough, or None."""',
    '    """The shortest free berth that is long enough, or None.\n\n    >>> assign([Berth("A", 80)], 80).name\n    \'A\'\n    """',
)


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (DOCUMENTED.replace("berth.length < ship_length", "berth.length <= ship_length"), "reject"),
        (DOCUMENTED.replace("berth.length < ship_length", "ship_length > berth.length"), "accept"),
        (DOCUMENTED.replace('Berth("A", 80)', 'Berth("A", 81)'), "hold"),
        (QUAY, "hold"),
    ],
    ids=["bug", "refactoring", "example edited", "example removed"],
)
def test_a_source_file_with_examples_that_the_suite_runs_is_still_what_is_tested(
    source: str, verdict: str, judged: Judged, diff: Diff, berth: Path
) -> None:
    for name, text in {**DOCTEST, "src/berth/quay.py": DOCUMENTED}.items():
        (berth / name).write_text(text)
    commit(berth)
    run = judged(diff({"src/berth/quay.py": source}))
    assert run.decision is not None
    assert run.decision.verdict == verdict, run.decision.reason


def test_a_module_that_stands_in_for_an_installed_one_is_held(judged: Judged, diff: Diff, berth: Path, tmp_path: Path) -> None:
    (berth / "tests/test_six.py").write_text("import six\n\n\ndef test_six():\n    assert six.PY3\n")
    commit(berth)
    policy = tmp_path / "policy.yaml"
    policy.write_text("seatrial: 1\nsandbox: {build: {packages: [six]}}\n")
    run = judged(diff({"six.py": "PY3 = True\n"}), policy=policy)
    origin = next(result for result in run.results if result.check == "origin")
    assert origin.outcome in ("hold", "unknown")
    assert "six" in origin.reason


@pytest.mark.parametrize(
    ("tests", "files", "verdict"),
    [
        ({}, {"tests/test_quay.py": TEST_QUAY.partition("def test_no_berth")[0]}, "hold"),
        ({}, {"tests/test_quay.py": None, "tests/test_keel.py": None}, "hold"),
        ({}, {"src/berth/quay.py": "import pytest\npytest.xfail('later')\n"}, "reject"),
        (
            {},
            {"src/berth/keel.py": "def clearance(*_):\n    import pytest\n    pytest.xfail('later')\n\n\nmay_enter = clearance\n"},
            "reject",
        ),
        (
            {"tests": "{runner: command, command: [python3, -m, pytest, -q], report: exit}"},
            {"src/berth/quay.py": BUG, "tests/test_quay.py": TEST_QUAY.replace('80).name == "B"', '80).name == "A"')},
            "hold",
        ),
    ],
    ids=[
        "a test removed",
        "all tests removed",
        "expected failure at import",
        "expected failure at run time",
        "command with an edited test",
    ],
)
def test_ways_to_lose_tests_that_break_nothing(
    tests: dict[str, str], files: dict[str, str | None], verdict: str, judged: Judged, diff: Diff, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("seatrial: 1\n" + "".join(f"{key}: {value}\n" for key, value in tests.items()))
    run = judged(diff(files), policy=policy)
    assert run.decision is not None
    assert run.decision.verdict == verdict, run.decision.reason


def test_promise_7_a_branch_that_first_loosens_the_policy_is_judged_by_the_policy_it_started_from(judged: Judged, berth: Path) -> None:
    (berth / ".seatrial").mkdir()
    (berth / ".seatrial/policy.yaml").write_text('seatrial: 1\nvalidate: {paths: {deny: ["src/**"]}}\n')
    commit(berth)
    git(berth, "checkout", "-qb", "agent")
    (berth / ".seatrial/policy.yaml").write_text("seatrial: 1\n")
    commit(berth)
    (berth / "src/berth/quay.py").write_text(BUG)
    commit(berth)
    git(berth, "checkout", "-q", "main")
    run = judged("agent")
    assert answers(run)["paths"] == "fail"
    assert {file.path for file in run.change.files} == {".seatrial/policy.yaml", "src/berth/quay.py"}


@pytest.mark.parametrize(("text", "verdict"), [(BUG, "hold"), (QUAY + "\n", "accept")], ids=["bug", "good"])
def test_data_of_tests_is_the_bases_whatever_its_name_is(text: str, verdict: str, judged: Judged, berth: Path) -> None:
    (berth / "tests/test_quay.py").write_text(READS_DATA)
    data = berth / "tests/expected_\udcff.txt"
    data.write_text("B")
    base = commit(berth)
    if verdict == "hold":
        data.write_text("A")
    (berth / "src/berth/quay.py").write_text(text)
    run = judged(commit(berth), base=base)
    assert run.decision is not None
    assert run.decision.verdict == verdict, run.decision.reason
    assert run.tests is not None
    assert [pair.id.rpartition("::")[2] for pair in run.tests.broken] == (["test_exact"] if verdict == "hold" else [])
