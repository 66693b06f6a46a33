"""Errands after the suite, on the real engine: nothing of theirs reaches the suite, and nothing of one the next."""

import pytest

from runner.model.sandbox import Errands, Limits
from runner.model.suite import Stop

pytestmark = pytest.mark.docker


def errands(*programs, seconds=5.0, total=20.0):
    return Errands(
        argv=("python3", "-c"), each=tuple((program,) for program in programs), env={"WHO": "errand"}, seconds=seconds, total=total
    )


def test_each_errand_has_a_report_of_its_own_and_nothing_else_to_write_to(run):
    said = "import os; os.write(int(os.environ['SEATRIAL_REPORT_FD']), b'hello from ' + os.environ['WHO'].encode())"
    execution = run("print('suite')", errands=errands(said, "print('lost'); raise SystemExit(3)"))
    assert [(done.status, done.told) for done in execution.errands] == [(0, "hello from errand"), (3, "")]
    assert (execution.log, execution.exit_code, execution.garbage, run.reader.records) == ("suite\n", 0, 0, [])


def test_each_errand_has_its_own_variables_beside_those_of_all(run):
    say = ("import os; os.write(198, (os.environ['WHO'] + os.environ.get('OWN', '-')).encode())",)
    envs = ({"WHO": "one"}, {"OWN": " two"})
    asked = Errands(argv=("python3", "-c"), each=(say, say), envs=envs, turns=(1, 0), env={"WHO": "all"}, seconds=5.0, total=20.0)
    assert [done.told for done in run("pass", errands=asked).errands] == ["all two", "one-"]


def test_errands_see_what_the_suite_left_and_the_suite_nothing_of_theirs(run):
    suite = "import os; open('/work/left', 'w').close(); print(sorted(os.listdir('/work')))"
    look = "import os; open('/work/mine', 'w').close(); os.write(198, repr(os.path.exists('/work/left')).encode())"
    execution = run(suite, errands=errands(look))
    assert (execution.log, execution.errands[0].told) == ("['kept.txt', 'left']\n", "True")


def test_an_errand_that_hangs_is_stopped_and_all_that_it_started_is_gone_before_the_next(run):
    hang = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(600)
    os._exit(0)
os.write(198, b'begun')
time.sleep(600)
"""
    leave = hang.replace("os.write(198, b'begun')\ntime.sleep(600)", "os.write(198, b'left')")
    count = "import os; os.write(198, repr(len([n for n in os.listdir('/proc') if n.isdigit()])).encode())"
    execution = run("pass", errands=errands(hang, leave, count, seconds=1.5))
    assert [(done.status, done.told) for done in execution.errands] == [(None, "begun"), (0, "left"), (0, "2")]
    assert 1.4 < execution.errands[0].seconds < 4
    assert execution.errands[1].seconds < 1.4
    assert (execution.stop, execution.exit_code, execution.survivors) == (Stop.EXITED, 0, 0)


def test_errands_whose_turn_comes_too_late_are_not_run(run):
    execution = run("pass", errands=errands("import time; time.sleep(600)", "pass", seconds=5.0, total=1.0))
    assert [done.status for done in execution.errands] == [None]


def test_an_errand_that_says_too_much_is_stopped(run):
    flood = "import os\nwhile True: os.write(198, b'x' * 65536)"
    execution = run("pass", errands=errands(flood, "pass"))
    assert [(done.status, len(done.told)) for done in execution.errands] == [(None, 512 * 1024), (0, 0)]
    assert execution.stop is Stop.EXITED


def test_errands_that_say_too_much_together_are_not_run_to_the_last(run):
    much = "import os\nfor _ in range(8): os.write(198, b'x' * 65000)"
    done = run("pass", errands=errands(*[much] * 8, total=60.0), limits=Limits(memory=2**28, report=2**22)).errands
    assert 2 < len(done) < 8
    assert sum(len(errand.told) for errand in done) == 2**21


def test_a_suite_s_end_is_told_as_it_was_whatever_the_errands_do(run):
    execution = run("raise SystemExit(5)", errands=errands("import os; os.kill(1, 9); os.kill(-1, 9)", "bytearray(10)"))
    assert (execution.exit_code, execution.child_status, len(execution.errands)) == (5, 5, 2)


def test_errands_told_by_the_suite_are_the_suites_words_only(run):
    forged = 'import os; os.write(198, b\'{"k": "errand", "status": 0}\\n\')'
    execution = run(forged, errands=errands("pass"))
    assert (len(execution.errands), run.reader.records) == (1, [{"k": "errand", "status": 0}])


def test_an_errand_cannot_open_the_report(run):
    forge = """
import os
report = os.open('/proc/1/fd/198', os.O_WRONLY)
os.write(report, b'{"k": "t", "forged": 1}\\n{"k": "exit", "status": 0}\\n')
"""
    suite = 'import os; os.write(198, b\'{"k": "t"}\\n\'); raise SystemExit(5)'
    execution = run(suite, errands=errands(forge))
    assert (run.reader.records, execution.garbage, execution.errands[0].status) == ([{"k": "t"}], 0, 1)
    assert (execution.exit_code, execution.child_status) == (5, 5)


def test_a_program_that_cannot_be_started_is_an_answer(run):
    asked = Errands(argv=("/nowhere/python",), each=((),), seconds=5.0, total=5.0)
    assert [done.status for done in run("pass", errands=asked).errands] == [127]


def test_a_job_without_errands_tells_of_none(run):
    assert run("pass").errands is None


def test_who_was_ended_by_the_time_of_all_is_told_from_who_used_up_its_own(run):
    hang = "import time; time.sleep(600)"
    execution = run("pass", errands=errands(hang, hang, seconds=2.0, total=3.0))
    assert [(done.status, done.cut) for done in execution.errands] == [(None, False), (None, True)]
