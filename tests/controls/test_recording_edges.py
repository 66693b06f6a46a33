"""The recording plugin beside other tools, hostile tests and processes."""

import subprocess

import pytest

from testing.recordings import MONITORS, PYTHON, calls, covers


def test_only_the_sources_of_interest_are_recorded(suite):
    suite.write("other.py", "def other(): pass")
    recording = suite.run("import lib, other\ndef test_it():\n    lib.double(1)\n    other.other()", sources=["other.py"])
    assert covers(recording) == {"test_it": {"other"}}


def test_tests_that_set_functions_of_their_own_are_not_disturbed_and_are_named(suite):
    text = """
        import sys, lib
        def test_profile():
            seen = []
            def mine(frame, event, arg): seen.append(event)
            sys.setprofile(mine)
            lib.double(1)
            sys.setprofile(None)
            assert "call" in seen
            lib.through(1)
        def test_trace():
            seen = []
            def mine(frame, event, arg):
                seen.append(event)
                return mine
            sys.settrace(mine)
            lib.double(1)
            sys.settrace(None)
            assert "line" in seen
        def test_put_back():
            before = sys.getprofile()
            sys.setprofile(lambda *_: None)
            sys.setprofile(before)
            lib.through(2)
        def test_after(): lib.double(2)
    """
    recording = suite.run(text)
    assert recording.partial == (() if MONITORS else ("test_it.py::test_profile",))
    found = covers(recording)
    assert found["test_put_back"] == {"double", "through"}
    assert found["test_after"] == found["test_trace"] == {"double"}
    recording = suite.run(text, lines=True)
    assert recording.partial == (() if MONITORS else ("test_it.py::test_trace",))
    assert covers(recording)["test_after"] == {"double"}


def test_a_function_that_a_test_leaves_behind_keeps_its_place(suite):
    recording = suite.run("""
        import sys, lib
        seen = []
        def mine(frame, event, arg): seen.append(event)
        def test_set(): sys.setprofile(mine)
        def test_keep():
            assert sys.getprofile() is mine
            lib.double(1)
            sys.setprofile(None)
        def test_free(): lib.double(1)
    """)
    if not MONITORS:
        assert recording.partial == ("test_it.py::test_set", "test_it.py::test_keep")
    assert covers(recording)["test_free"] == {"double"}


def test_what_holds_every_way_to_watch_makes_recording_impossible_and_it_says_so(suite):
    suite.write("conftest.py", """
        import sys
        def pytest_sessionstart(session):
            sys.setprofile(lambda *_: None)
            sys.settrace(lambda *_: None)
            for tool in (3, 4) if hasattr(sys, "monitoring") else ():
                sys.monitoring.use_tool_id(tool, "other")
    """)  # fmt: skip
    recording = suite.run("import lib\ndef test_it(): lib.double(1)")
    assert recording.way == "none"
    assert recording.covers == {}
    assert recording.problem == "other tools hold every way to watch calls"


def test_another_tool_that_holds_the_trace_function_leaves_calls_to_be_recorded(suite):
    suite.write("conftest.py", """
        import sys
        def mine(*_): return None
        def pytest_sessionstart(session): sys.settrace(mine)
        def pytest_sessionfinish(session): assert sys.gettrace() is mine
    """)  # fmt: skip
    recording = suite.run("import lib\ndef test_it(): lib.double(1)", lines=True)
    assert covers(recording) == {"test_it": {"double"}}
    if not MONITORS:
        assert (recording.has_lines, recording.problem) == (False, "another tool holds sys.settrace: lines were not recorded")


def test_coverage_measures_the_same_with_and_without_recording(suite):
    if subprocess.run([PYTHON, "-c", "import pytest_cov"], check=False, capture_output=True).returncode:
        pytest.skip("pytest-cov is not installed")
    text = "import lib\ndef test_a(): lib.double(1)\ndef test_b(): lib.Box(1).grow()"
    args = ("-p", "pytest_cov", "--cov=lib", "--cov-report=term-missing")
    recording = suite.run(text, *args, lines=True)
    assert covers(recording) == {"test_a": {"double"}, "test_b": {"Box.__init__", "Box.grow"}}
    with_recording = [line for line in suite.output.splitlines() if line.startswith("lib.py")]
    suite.run(text, *args, "-p", "no:recording")
    assert with_recording == [line for line in suite.output.splitlines() if line.startswith("lib.py")]
    assert len(with_recording) == 1


def test_forks_and_subprocesses_write_no_records(suite):
    recording = suite.run("""
        import os, subprocess, sys, lib
        def test_fork():
            child = os.fork()
            if child == 0:
                lib.through(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        def test_subprocess():
            assert subprocess.check_output([sys.executable, "-c", "import lib; print(lib.double(2))"]).strip() == b"4"
    """)
    assert covers(recording) == {"test_fork": set(), "test_subprocess": set()}
    assert recording.complete


def test_a_child_that_goes_on_with_the_session_writes_no_records(suite):
    recording = suite.run("""
        import os, lib
        def test_fork():
            child = os.fork()
            assert child == 0 or os.waitpid(child, 0)[1] == 0
        def test_after(): lib.double(1)
    """)
    assert [record["id"] for record in suite.records if record["k"] == "covers"] == ["test_it.py::test_fork", "test_it.py::test_after"]
    assert recording.complete


def test_recursion_and_native_code_between_are_no_trouble(suite):
    suite.write("deep.py", "def down(n): return 0 if n == 0 else 1 + down(n - 1)\ndef key(x): return -x\n")
    recording = suite.run("""
        import deep, sys, pytest
        def test_it():
            assert deep.down(300) == 300
            assert sorted([1, 3, 2], key=deep.key) == [3, 2, 1]
        def test_too_deep():
            with pytest.raises(RecursionError): deep.down(10 ** 6)
    """)
    assert covers(recording) == {"test_it": {"down", "key"}, "test_too_deep": {"down"}}
    assert [call[1] for call in calls(recording, "down", "deep.py")] == [((300,), {}), ((10**6,), {})]


def test_repeated_ids_are_numbered_as_the_session_does(suite):
    recording = suite.run("import lib\ndef test_it(): lib.double(1)", "test_it.py::test_it", "test_it.py::test_it", "--keep-duplicates")
    assert set(recording.covers) <= {"test_it.py::test_it", "test_it.py::test_it#2"}
    suite.write(
        "conftest.py", "def pytest_collection_modifyitems(items): items.append(type(items[0]).from_parent(items[0].parent, name='test_it'))"
    )
    assert set(suite.run().covers) == {"test_it.py::test_it", "test_it.py::test_it#2"}


def test_failing_and_broken_tests_are_recorded_too(suite):
    recording = suite.run("""
        import lib, pytest
        @pytest.fixture
        def bad(): lib.through(1); raise ValueError
        def test_bad(): lib.double(1); assert 0
        def test_error(bad): pass
        def test_exit(): lib.double(1); raise SystemExit
    """, status=1)  # fmt: skip
    assert covers(recording) == {"test_bad": {"double"}, "test_error": {"double", "through"}, "test_exit": {"double"}}


def test_tests_that_replace_functions_of_the_standard_library_do_not_reach_the_recording(suite):
    recording = suite.run("""
        import ast, builtins, json, os, sys, lib
        def test_it(monkeypatch):
            def no(*_, **__): raise RuntimeError
            for owner, name in ((ast, "literal_eval"), (builtins, "repr"), (os.path, "realpath"), (sys, "_getframe"), (os, "getpid")):
                monkeypatch.setattr(owner, name, no)
            lib.double(1)
            monkeypatch.undo()
    """)
    assert len(calls(recording, "double")) == 1
