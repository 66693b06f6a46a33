"""The program inside, run for real with this environment's pytest."""

import json
import sys
from pathlib import Path

import pytest

from runner.model.suite import Stop
from runner.trial.pytest_options import PytestConfig, read_configuration
from runner.trial.pytest_suite import Project

EVERY_OUTCOME = """
    import unittest, pytest
    def test_ok(): pass
    def test_bad(): assert 1 == 2, "one is not two"
    @pytest.mark.xfail(reason="known")
    def test_xfail(): assert 0
    @pytest.mark.xfail
    def test_xpass(): pass
    @pytest.mark.xfail(strict=True)
    def test_xpass_strict(): pass
    @pytest.mark.skip(reason="not here")
    def test_skip(): pass
    @pytest.fixture
    def before(): raise RuntimeError("in the fixture")
    def test_setup(before): pass
    @pytest.fixture
    def after():
        yield
        raise RuntimeError("on the way out")
    def test_teardown(after): pass
    def test_both(after): assert 0
    @pytest.mark.parametrize("x", ["a/b::c", "\\n\\x00", "é", "[]", " "])
    def test_odd(x): pass
    def test_sub_bad(subtests):
        for i in range(3):
            with subtests.test(i=i): assert i != 1
    def test_sub_ok(subtests):
        with subtests.test("one"): pass
    def test_sub_skip(subtests):
        with subtests.test("one"): pytest.skip("half of it")
    class T(unittest.TestCase):
        def test_sub(self):
            for i in range(3):
                with self.subTest(i=i): self.assertNotEqual(i, 1)
        @unittest.expectedFailure
        def test_expected(self): self.fail()
        @unittest.expectedFailure
        def test_unexpected(self): pass
        @unittest.skip("no")
        def test_skipped(self): pass
"""


def test_every_outcome_is_told_apart_and_the_channels_agree(box, outcomes_of):
    box.write(tests__test_a_py=EVERY_OUTCOME)
    run = box.run()
    assert outcomes_of(run) == {
        "test_ok": "passed", "test_bad": "failed", "test_xfail": "xfailed", "test_xpass": "xpassed", "test_xpass_strict": "failed",
        "test_skip": "skipped", "test_setup": "error", "test_teardown": "error", "test_both": "failed",
        "test_odd[a/b::c]": "passed", "test_odd[\\n\\x00]": "passed", "test_odd[\\xe9]": "passed", "test_odd[[]]": "passed",
        "test_odd[ ]": "passed", "test_sub_bad": "failed", "test_sub_ok": "passed", "test_sub_skip": "skipped",
        "T::test_sub": "failed", "T::test_expected": "xfailed", "T::test_unexpected": "failed", "T::test_skipped": "skipped",
    }  # fmt: skip
    assert (run.ended, run.disagreement, run.exit_code) == (True, "", 1)
    assert len(run.collected) == len(run.records) == 21
    assert {record.path for record in run.records} == {"tests/test_a.py"}
    texts = {record.id.rpartition("::")[2]: record.text for record in run.records}
    assert "one is not two" in texts["test_bad"]
    assert texts["test_skip"] == "Skipped: not here"
    assert "in setup" in texts["test_setup"]
    assert "on the way out" in texts["test_teardown"]
    assert run.runner == f"pytest {pytest.__version__}, python {sys.version.split()[0]}"


def test_a_long_failure_text_keeps_its_end(box):
    box.write(test_a_py="def test_a(): raise ValueError('x' * 50000 + 'the end')")
    text = box.run().records[0].text
    assert len(text.encode()) <= 8192
    assert "the end" in text


def test_a_module_that_cannot_be_collected_is_a_collect_error(box):
    box.write(test_a_py="import no_such_module", test_b_py="def test_b(): pass")
    run = box.run()
    assert [(error.id, error.path) for error in run.collect_errors] == [("test_a.py", "test_a.py")]
    assert "no_such_module" in run.collect_errors[0].text
    assert run.exit_code == 2
    assert run.records == ()


def test_leaving_at_import_is_no_proper_end(box):
    box.write(test_a_py="import sys; sys.exit(0)", test_b_py="def test_b(): pass")
    run = box.run()
    assert not run.ended
    assert run.exit_code != 0


def test_leaving_in_a_conftest_is_no_proper_end(box):
    box.write(conftest_py="import sys; sys.exit(0)", test_b_py="def test_b(): pass")
    run = box.run()
    assert not run.ended
    assert "SystemExit" in run.disagreement


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.execv('/bin/true', ['true'])"])
def test_a_process_that_ends_in_a_test_leaves_it_in_flight(box, outcomes_of, end):
    box.write(test_a_py=f"import os\ndef test_1(): pass\ndef test_2(): {end}\ndef test_3(): pass")
    run = box.run()
    assert (run.ended, run.in_flight) == (False, "test_a.py::test_2")
    assert outcomes_of(run) == {"test_1": "passed"}
    assert "during test_a.py::test_2" in run.disagreement
    assert len(run.collected) == 3


def test_a_test_that_hangs_is_in_flight_when_the_clock_stops_it(box):
    box.write(test_a_py="import time\ndef test_1(): pass\ndef test_2(): time.sleep(60)")
    suite = box.suite()
    run = box.run_plan(suite.plan(), suite.reader(), stop_on="test_2")
    assert (run.stop, run.in_flight, run.ended) == (Stop.TIMED_OUT, "test_a.py::test_2", False)


def test_pytest_exit_with_status_zero_is_not_an_end_of_all_tests(box):
    box.write(test_a_py="import pytest\ndef test_1(): pass\ndef test_2(): pytest.exit('done', returncode=0)\ndef test_3(): pass")
    run = box.run()
    assert run.exit_code == 0
    assert not run.ended
    assert "2 of 3 tests without a result" in run.disagreement


def test_the_stream_has_no_number_that_code_could_know(box):
    box.write(test_a_py="import os\ndef test_1(): assert 0, str(sorted(map(int, os.listdir('/proc/self/fd')))[-4:])")
    told = [next(iter(box.run().records)).text for _ in range(3)]
    assert len({line for text in told for line in text.splitlines() if "AssertionError: [" in line}) > 1, told


FIND_THE_STREAM = """
    import json, os, stat
    def tell(**record):
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            if fd > 2:
                try:
                    if stat.S_ISFIFO(os.fstat(fd).st_mode):
                        os.write(fd, json.dumps(record).encode() + b"\\n")
                        return
                except OSError:
                    pass
"""


@pytest.mark.parametrize(
    ("forgery", "sign"),
    [
        ("tell(k='test', id='test_a.py::test_1', outcome='passed', seconds=0)", "two results"),
        ("tell(k='test', id='test_a.py::test_2', outcome='passed', seconds=0)", "was not running"),
        ("tell(k='test', id='test_a.py::other', outcome='passed', seconds=0)", "not in the inventory"),
        ("tell(k='end', status=0, collected=2, ran=2, deselected=0)", "after the session's end"),
        ("tell(k='collected', path='test_a.py', ids=['test_a.py::more'])", "inventory"),
        ("tell(k='collection', collected=1, deselected=0)", "closed twice"),
        ("tell(k='nonsense')", "no session writes"),
    ],
)
def test_a_test_that_writes_records_of_its_own_is_noticed(box, forgery, sign):
    box.write_file("test_a.py", FIND_THE_STREAM + f"\n    def test_1():\n        {forgery}\n        assert 0\n    def test_2(): pass\n")
    run = box.run()
    assert not run.ended
    assert sign in run.disagreement
    assert {r.id: r.outcome.value for r in run.records}.get(
        "test_a.py::test_1"
    ) != "passed" or "after the session's end" in run.disagreement


def test_sessions_inside_tests_do_not_confuse_the_record(box, outcomes_of):
    box.write(
        conftest_py="pytest_plugins = ['pytester']",
        test_a_py="""
            import os
            def test_nested(pytester):
                pytester.makepyfile(test_inner="def test_x(): pass\\ndef test_y(): assert 0")
                pytester.runpytest_inprocess().assert_outcomes(passed=1, failed=1)
            def test_environment():
                assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ and "SEATRIAL_REPORT_FD" not in os.environ
        """,
    )
    run = box.run()
    assert outcomes_of(run) == {"test_nested": "passed", "test_environment": "passed"}
    assert run.ended, run.disagreement


def test_a_forked_child_that_goes_on_with_the_session_writes_nothing(box, outcomes_of):
    box.write(
        test_a_py="""
            import os
            def test_1():
                child = os.fork()
                if child:
                    os.waitpid(child, 0)
            def test_2(): pass
        """
    )
    run = box.run()
    assert outcomes_of(run) == {"test_1": "passed", "test_2": "passed"}
    assert run.ended, run.disagreement


def test_tests_may_close_descriptors_replace_streams_and_change_folders(box, outcomes_of):
    box.write(
        test_a_py="""
            import io, json, os, sys, tempfile
            def test_close():
                os.closerange(100, 850)
                for n in range(5): os.close(os.dup(0))
            def test_streams(): sys.stdout = sys.stderr = io.StringIO()
            def test_folder(): os.chdir(tempfile.mkdtemp())
            def test_functions():
                os.write = json.dumps = os.getpid = None
            def test_last(): pass
        """
    )
    run = box.run("-p", "no:cacheprovider")
    assert set(outcomes_of(run).values()) == {"passed"}
    assert len(run.records) == 5
    assert run.ended, run.disagreement
    assert {record.path for record in run.records} == {"test_a.py"}


def test_a_full_disk_in_a_failure_text_is_named(box):
    box.write(test_a_py="import errno\ndef test_a(): raise OSError(errno.ENOSPC, 'No space left on device', '/work/big')")
    assert box.run().usage.disk_full == "/work/big"


def test_options_that_stop_early_or_repeat_do_not_apply(box, outcomes_of):
    box.write(
        pytest_ini="[pytest]\naddopts = -x --maxfail=1 -n 2 -q --cov=pkg -k 'not never'",
        test_a_py="def test_1(): assert 0\ndef test_2(): pass\ndef test_never(): pass",
    )
    project = Project(config=read_configuration(box.trees, "tree"))
    run = box.run(project=project)
    assert outcomes_of(run) == {"test_1": "failed", "test_2": "passed"}
    assert (run.ended, run.deselected) == (True, 1)


def test_a_configuration_other_than_the_expected_one_is_noticed(box):
    box.write(pytest_ini="[pytest]", test_a_py="def test_1(): pass")
    run = box.run(project=Project(config=PytestConfig(file="tox.ini", addopts=("-q",))))
    assert "not from tox.ini" in run.disagreement


def test_only_the_ids_asked_for_run_and_the_others_are_not_deselected(box):
    box.write(tests__test_a_py=EVERY_OUTCOME, tests__test_b_py="def test_b(): pass", tests__test_c_py="raise RuntimeError")
    wanted = ["tests/test_a.py::test_odd[a/b::c]", "tests/test_a.py::test_odd[\\n\\x00]", "tests/test_b.py::test_b"]
    run = box.run("tests", only=wanted)
    assert list(run.collected) == wanted
    assert (len(run.records), run.deselected, run.ended) == (3, 0, True)


def test_ids_that_are_gone_do_not_run_and_nothing_else_does(box):
    box.write(test_a_py="def test_a(): pass")
    run = box.run(only=["test_a.py::test_a", "test_a.py::gone", "missing.py::test_x"])
    assert run.collected == ("test_a.py::test_a",)


def test_very_many_ids_select_their_files(box):
    box.write(test_a_py="def test_a(): pass", test_b_py="def test_b(): pass")
    plan = box.suite().plan(only=[f"test_a.py::test_{n:06d}" for n in range(20_000)])
    assert max(map(len, plan.argv)) < 128 * 1024
    suite = box.suite()
    assert box.run_plan(plan, suite.reader()).collected == ("test_a.py::test_a",)


def test_tests_with_equal_ids_are_numbered(box):
    box.write(
        conftest_py="""
            import pytest
            class Row(pytest.Item):
                def runtest(self): pass
            class Rows(pytest.File):
                def collect(self):
                    return [Row.from_parent(self, name="row") for _ in range(2)]
            def pytest_collect_file(file_path, parent):
                if file_path.suffix == ".rows": return Rows.from_parent(parent, path=file_path)
        """,
        data_rows="",
    )
    run = box.run()
    assert run.collected == ("data.rows::row", "data.rows::row#2")
    assert run.ended, run.disagreement


# where code comes from


def test_nothing_of_the_working_copy_runs_before_the_session(box, tmp_path):
    mark = tmp_path / "ran"
    for name in ("linecache", "sitecustomize", "usercustomize", "json", "pytest", "src/sitecustomize"):
        box.write_file(f"{name}.py", f"open({str(mark)!r}, 'a').write({name!r})")
    box.write(tests__test_a_py="def test_a(): pass")
    run = box.run(project=Project(roots=("src",)), PYTHONPATH=str(box.work / "src"))
    assert run.ended, run.log
    assert not mark.exists()


def test_the_interpreter_obeys_the_environment_of_the_job(box, outcomes_of):
    box.write(
        test_a_py="import sys\ndef test_a(): assert not sys.flags.hash_randomization and sys.flags.dont_write_bytecode and not sys.flags.isolated"
    )
    assert outcomes_of(box.run()) == {"test_a": "passed"}


def test_tests_and_the_pythons_they_start_import_the_working_copy(box, image, outcomes_of):
    image.install("pkg", files={"pkg/__init__.py": "where = 'installed'"})
    box.python = image.python
    box.write(
        src__pkg____init___py="where = 'working copy'",
        tests__test_a_py="""
            import os, subprocess, sys, pkg
            def test_here(): assert pkg.where == "working copy"
            def test_child(tmp_path):
                code = "import pkg; print(pkg.where)"
                assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True).strip() == "working copy"
        """,
    )
    run = box.run(project=Project(roots=("src",)))
    assert outcomes_of(run) == {"test_here": "passed", "test_child": "passed"}
    assert {m.file for m in run.modules if m.name == "pkg"} == {str(box.work / "src/pkg/__init__.py")}


def test_an_installed_release_in_the_place_of_the_working_copy_is_shown(box, image):
    image.install("pkg", files={"pkg/__init__.py": ""})
    box.python = image.python
    box.write(src__pkg____init___py="", tests__test_a_py="import pkg\ndef test_a(): pass")
    run = box.run()
    assert run.origins_known
    assert {m.file for m in run.modules if m.name == "pkg"} == {str(image.packages / "pkg/__init__.py")}
    assert not [m for m in run.modules if m.name in ("os", "json", "__main__")]


def test_relative_entries_of_pythonpath_mean_the_working_copy(box, outcomes_of):
    box.write(lib__one_py="", test_a_py="import one\ndef test_a(): pass")
    assert outcomes_of(box.run(PYTHONPATH="lib")) == {"test_a": "passed"}


# plugins

LOUD = "import pytest\ndef pytest_addoption(parser): parser.addoption('--loud', action='store_true')\n@pytest.fixture\ndef loud(request): return request.config.getoption('--loud')\n"


def test_plugins_of_the_image_load_before_the_command_line_is_read(box, image, outcomes_of):
    image.install("pytest_loud", plugin="loud = pytest_loud", files={"pytest_loud.py": LOUD})
    box.python = image.python
    box.write(pytest_ini="[pytest]\nrequired_plugins = pytest_loud", test_a_py="def test_a(loud): assert loud")
    assert outcomes_of(box.run("--loud")) == {"test_a": "passed"}


def test_entry_points_of_the_working_copy_do_not_load(box, tmp_path):
    box.write_file("evil.egg-info/entry_points.txt", "[pytest11]\nevil = evil\n")
    box.write_file("evil.egg-info/PKG-INFO", "Name: evil\nVersion: 1\n")
    box.write_file("evil.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    box.write(test_a_py="def test_a(): pass", fine_py="")
    box.write_file("fine.egg-info/entry_points.txt", "[pytest11]\nfine = evil\n")
    assert box.run("-p", "fine").ended
    assert not (tmp_path / "ran").exists()


def test_a_project_that_is_itself_a_plugin_loads_from_the_working_copy(box, image, outcomes_of):
    image.install("pytest_loud", plugin="loud = pytest_loud")
    image.path_entry(box.work / "src")
    box.python = image.python
    box.write(src__pytest_loud_py=LOUD, tests__test_a_py="def test_a(loud): assert loud")
    run = box.run("--loud", project=Project(roots=("src",), own=("pytest_loud",)))
    assert outcomes_of(run) == {"test_a": "passed"}
    assert {m.file for m in run.modules if m.name == "pytest_loud"} == {str(box.work / "src/pytest_loud.py")}


def test_the_projects_own_plugin_wins_over_its_installed_release(box, image):
    image.install("pytest_loud", plugin="loud = pytest_loud", files={"pytest_loud.py": LOUD})
    box.python = image.python
    box.write(pytest_loud_py=LOUD, test_a_py="def test_a(loud): pass")
    run = box.run(project=Project(own=("pytest_loud",)))
    assert {m.file for m in run.modules if m.name == "pytest_loud"} == {str(box.work / "pytest_loud.py")}


def test_a_plugin_of_the_image_does_not_come_from_the_working_copy(box, image):
    image.install("pytest_loud", plugin="loud = pytest_loud", files={"pytest_loud.py": LOUD})
    box.python = image.python
    box.write(pytest_loud_py="raise RuntimeError('a shadow')", test_a_py="def test_a(loud): pass")
    run = box.run()
    assert run.ended, run.log


def test_plugins_that_repeat_or_shuffle_do_neither(box, image, outcomes_of):
    again = "import pytest\ndef pytest_configure(config): config.addinivalue_line('markers', 'flaky: again')\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_protocol(item): raise RuntimeError('again')\n"
    image.install("again", plugin="rerunfailures = again", files={"again.py": again})
    image.install(
        "shuffle", plugin="randomly = shuffle", files={"shuffle.py": "def pytest_collection_modifyitems(items): items.reverse()\n"}
    )
    box.python = image.python
    box.write(test_a_py="import pytest\n@pytest.mark.flaky\ndef test_1(): pass\ndef test_2(): pass")
    run = box.run("--strict-markers")
    assert list(outcomes_of(run).items()) == [("test_1", "passed"), ("test_2", "passed")]


def test_plugins_named_by_the_project_load_from_the_working_copy(box, outcomes_of):
    box.write(
        conftest_py="pytest_plugins = ['tests.more']",
        tests__more_py="import pytest\n@pytest.fixture\ndef two(): return 2",
        tests____init___py="",
        extra_py="import pytest\n@pytest.fixture\ndef three(): return 3",
        tests__test_a_py="def test_a(two, three): assert two + three == 5",
    )
    assert outcomes_of(box.run("-p", "extra")) == {"test_a": "passed"}


def test_a_missing_pytest_is_said(box, image):
    (image.packages / "these.pth").unlink()
    box.python = image.python
    run = box.run()
    assert "No module named 'pytest'" in run.disagreement
    assert not run.ended


def test_records_are_ascii_lines(box):
    box.write(test_a_py="def test_a(): assert 'é☃' == '\\ud800'")
    run = box.run()
    assert run.ended, run.disagreement
    assert all(json.dumps(record).isascii() for record in box.records)


def test_the_program_reads_on_python_3_8(tmp_path: Path):
    import ast

    import runner.trial

    sources = [Path(runner.trial.__file__).parent / "inside" / f"{name}.py" for name in ("source_trees", "pytest_session")]
    for source in sources:
        ast.parse(source.read_text(), feature_version=(3, 8))
    assert sum(source.stat().st_size for source in sources) < 100 * 1024


def test_a_file_is_read_once_however_many_of_its_tests_fail_and_they_read_as_ever(box):
    several = "\n".join(f"def test_{at}():\n    value = {at}\n    assert value == -1, 'at {at}'\n" for at in range(4))
    box.write(
        test_a_py=several,
        conftest_py="""
import ast
parsed, parse = [], ast.parse
def counting(source, *given, **named):
    parsed.append(str(source).count("def test_"))
    return parse(source, *given, **named)
def pytest_collection_finish(): ast.parse = counting
def pytest_sessionfinish(): open("counted", "w").write(repr(parsed.count(4)))
""",
    )
    run = box.run()
    assert [
        (record.outcome, f"> assert value == -1, 'at {at}'" in " ".join(record.text.split())) for at, record in enumerate(run.records)
    ] == [("failed", True)] * 4
    assert (box.work / "counted").read_text() == "1"


def test_packages_that_pythonpath_names_outside_the_working_copy_belong_to_the_image(box, image, outcomes_of):
    elsewhere = box.scratch / "packages"
    image.packages.rename(elsewhere)
    image.packages.mkdir()
    box.python = image.python
    box.write(test_a_py="import elsewhere\ndef test_a(): pass")
    (elsewhere / "elsewhere.py").write_text("")
    run = box.run(PYTHONPATH=f"{elsewhere}:{Path(pytest.__file__).parent.parent}")
    assert outcomes_of(run) == {"test_a": "passed"}
    assert [record["notes"] for record in box.records if record["k"] == "session"] == [[]]
