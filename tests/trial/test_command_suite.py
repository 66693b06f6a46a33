"""A command's report against its exit status."""

import sys

import pytest

from runner.model.suite import Stop
from runner.trial.command_suite import CommandSuite
from runner.trial.options import Tests

GREEN = b'<testsuite tests="1"><testcase classname="a" name="b"/></testsuite>'
RED = b'<testsuite tests="1"><testcase classname="a" name="b"><failure message="no"/></testcase></testsuite>'


def a_suite(report: str, **changes: str) -> CommandSuite:
    return CommandSuite(Tests(runner="command", command=("make", "test"), report=report, **changes))


def test_the_plan_is_the_command_itself_whatever_is_asked_for():
    suite = a_suite("junit")
    assert suite.plan().argv == suite.plan(only=["a"]).argv == ("make", "test")
    assert suite.plan().report_file == "/tmp/seatrial/report.xml"
    assert a_suite("exit").plan().report_file is None
    assert not suite.tells_modules


@pytest.mark.parametrize(
    ("report", "changes", "ended", "outcomes", "sign"),
    [
        ("junit", {"report_file": GREEN}, True, ["passed"], ""),
        ("junit", {"report_file": RED, "exit_code": 2, "child_status": 2}, True, ["failed"], ""),
        ("junit", {"report_file": RED}, False, ["failed"], "exit status 0, and 1 tests failed"),
        ("junit", {"report_file": GREEN, "exit_code": 1, "child_status": 1}, False, ["passed"], "no test failed by the report"),
        ("junit", {}, False, [], "left no JUnit report"),
        ("junit", {"report_file": GREEN, "survivors": 1}, False, ["passed"], "1 processes"),
        ("junit", {"report_file": GREEN, "stop": Stop.OUT_OF_MEMORY, "exit_code": 137}, False, ["passed"], "out of memory"),
        ("tap", {"log": "noise\n1..1\nok 1 - a\n"}, True, ["passed"], ""),
        ("tap", {"log": "1..1\nok 1 - a\n", "log_truncated": True}, False, [], "not whole"),
        ("exit", {}, True, ["passed"], ""),
        ("exit", {"exit_code": 3, "child_status": 3, "log": "boom"}, True, ["failed"], ""),
        ("exit", {"exit_code": 127, "child_status": 127}, False, ["failed"], "could not be started"),
        ("exit", {"exit_code": 0, "child_status": 1}, False, ["passed"], "launcher"),
        ("exit", {"exit_code": None, "child_status": None}, False, [], "no exit status"),
        ("exit", {"stop": Stop.TIMED_OUT, "exit_code": 137}, False, [], "timed out"),
    ],
)
def test_report_and_exit_status_must_agree(execution, report, changes, ended, outcomes, sign):
    run = a_suite(report).reader().finish(execution(**changes))
    assert run.ended is ended
    assert [record.outcome.value for record in run.records] == outcomes
    assert sign in run.disagreement
    assert not run.origins_known


def test_a_tap_file_is_read_instead_of_the_output(execution):
    reader = a_suite("tap", report_file="/tmp/t.tap").reader()
    assert [r.id for r in reader.finish(execution(report_file=b"1..1\nok 1 - in the file\n", log="1..1\nok 1 - printed\n")).records] == [
        "in the file"
    ]
    assert "no TAP file" in reader.finish(execution(log="1..1\nok 1\n")).disagreement


def test_a_real_pytest_report_agrees_with_itself(box, execution):
    box.write(
        test_a_py="""
            import pytest
            @pytest.fixture
            def after():
                yield
                raise RuntimeError
            def test_ok(): pass
            def test_both(after): assert 0
            def test_after(after): pass
            @pytest.mark.xfail
            def test_xfail(): assert 0
            @pytest.mark.skip
            def test_skip(): pass
        """
    )
    options = Tests(
        runner="command", command=(sys.executable, "-m", "pytest", "-o", "junit_family=xunit1", "--junitxml=r.xml"), report="junit"
    )
    suite = CommandSuite(options)
    box.run_plan(suite.plan(), suite.reader())
    run = suite.reader().finish(execution(exit_code=1, child_status=1, report_file=(box.work / "r.xml").read_bytes()))
    assert (run.ended, run.disagreement) == (True, "")
    assert {r.id: r.outcome.value for r in run.records} == {
        "test_a::test_ok": "passed", "test_a::test_both": "failed", "test_a::test_both#2": "error", "test_a::test_after": "error",
        "test_a::test_xfail": "xfailed", "test_a::test_skip": "skipped",
    }  # fmt: skip
    assert {r.path for r in run.records} == {"test_a.py"}
