"""The recording plugin, run for real by pytest in a process of its own."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from runner.controls.recorded import RecordedReader, Recording, program

PYTHON = sys.executable
MONITORS = subprocess.run([PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"], check=False).returncode == 0
SHIM = """
    import json, os
    with open(os.environ["RECORDING_PROGRAM"]) as file:
        namespace = {"__name__": "recording"}
        exec(compile(file.read(), "<recording>", "exec"), namespace)
    out = os.open(os.environ["RECORDING_OUT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    write, dumps = os.write, json.dumps
    def report(kind, **fields):
        write(out, dumps(dict(fields, k=kind)).encode() + b"\\n")
    def pytest_configure(config):
        if config.pluginmanager.get_plugin("recording") is None and os.environ.get("RECORDING_PROGRAM"):
            settings = json.loads(os.environ.pop("RECORDING_SETTINGS"))
            config.pluginmanager.register(namespace["plugin"](report, settings), "recording")
"""
LIBRARY = """
    def double(x, by=2):
        return x * by

    def through(x):
        return double(x)

    def numbers(n):
        for i in range(n):
            yield i

    async def later(x):
        return double(x)

    class Box:
        def __init__(self, size, *, name="box"):
            self.size = size

        def grow(self, by=1):
            self.size += by
            return self.size

        @property
        def empty(self):
            return not self.size

        @staticmethod
        def unit():
            return "cm"

        @classmethod
        def of(cls, size):
            return cls(size)

    class Plain:
        def hello(self, name):
            return name

    def made():
        return Box(3)
"""


class Suite:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[dict] = []
        self.output = ""
        self.write("lib.py", LIBRARY)

    def write(self, name: str, text: str) -> None:
        path = self.folder / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    def run(self, text: str = "", *args: str, status: int = 0, **settings: object) -> Recording:
        if text:
            self.write("test_it.py", text)
        work = self.folder / "work"
        (self.folder / "shim_recording.py").write_text(dedent(SHIM))
        (self.folder / "program.txt").write_text(program())
        out = self.folder / "out.jsonl"
        out.unlink(missing_ok=True)
        tests = [str(path.relative_to(work)) for path in work.rglob("*.py") if path.name.startswith(("test_", "conftest"))]
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))},
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(work)]),
            "RECORDING_PROGRAM": str(self.folder / "program.txt"),
            "RECORDING_OUT": str(out),
            "RECORDING_SETTINGS": json.dumps({"work": str(work), "roots": [], "tests": tests, **settings}),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        argv = [PYTHON, "-m", "pytest", "-q", "-p", "shim_recording", "-p", "no:cacheprovider", *args]
        done = subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=120)
        self.output = done.stdout + done.stderr
        assert done.returncode == status, self.output
        self.records = [json.loads(line) for line in out.read_text().splitlines()]
        reader = RecordedReader()
        assert all(reader.record(record) for record in self.records)
        return reader.finish()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def covers(recording: Recording) -> dict[str, set[str]]:
    return {test.partition("::")[2]: {function.name for function in recording.functions_of(test)} for test in recording.covers}


def calls(recording: Recording, name: str, path: str = "lib.py") -> list[tuple]:
    found = recording.calls_by_function.get((path, name), ())
    return [(call.way, ast.literal_eval(call.arguments), call.owner, call.made and ast.literal_eval(call.made)) for call in found]


def lost(recording: Recording, name: str) -> tuple[int, int]:
    return next((found.not_literal, found.unprobed) for found in recording.functions if found.name == name)


def test_each_test_has_exactly_the_functions_it_runs(suite):
    recording = suite.run("""
        import asyncio, threading, unittest, pytest, lib
        @pytest.fixture
        def box():
            yield lib.Box(1)
            lib.double(1)
        @pytest.mark.parametrize("x", [1, 2])
        def test_each(x): lib.double(x) if x == 1 else lib.through(x)
        def test_fixture(box): pass
        def test_nothing(): pass
        def test_generator(): assert list(lib.numbers(3)) == [0, 1, 2]
        def test_coroutine(): asyncio.run(lib.later(1))
        def test_thread():
            thread = threading.Thread(target=lib.through, args=(1,))
            thread.start()
            thread.join()
        class Test(unittest.TestCase):
            def setUp(self): self.box = lib.Box(1)
            def test_grow(self): self.box.grow()
    """)
    assert covers(recording) == {
        "test_each[1]": {"double"}, "test_each[2]": {"double", "through"}, "test_fixture": {"Box.__init__", "double"},
        "test_nothing": set(), "test_generator": {"numbers"}, "test_coroutine": {"later", "double"},
        "test_thread": {"through", "double"}, "Test::test_grow": {"Box.__init__", "Box.grow"},
    }  # fmt: skip
    assert recording.complete
    assert recording.way == ("monitoring" if MONITORS else "profile")
    assert not recording.partial
    double = next(found for found in recording.functions if found.name == "double")
    assert (double.path, double.line) == ("lib.py", 2)
    assert next(iter(recording.covers)) == "test_it.py::test_each[1]"


def test_a_generator_counts_wherever_it_goes_on_and_its_arguments_only_once(suite):
    recording = suite.run("""
        import lib
        kept = []
        def test_begin():
            kept.append(lib.numbers(5))
            assert [next(kept[0]), next(kept[0])] == [0, 1]
        def test_go_on(): assert next(kept[0]) == 2
    """)
    assert covers(recording) == {"test_begin": {"numbers"}, "test_go_on": {"numbers"}}
    assert calls(recording, "numbers") == [("function", ((5,), {}), None, None)]


def test_what_a_generator_makes_of_its_argument_is_no_call(suite):
    suite.write("down.py", "def down(n):\n    while n:\n        yield n\n        n -= 1\n")
    recording = suite.run("import down\ndef test_it(): assert list(down.down(3)) == [3, 2, 1]")
    assert calls(recording, "down", "down.py") == [("function", ((3,), {}), None, None)]


def test_functions_inside_functions_and_decorated_ones_have_their_qualified_name_and_first_line(suite):
    suite.write("deep.py", """
        import functools
        def mark(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper
        class Outer:
            class Inner:
                @staticmethod
                @mark
                def act(x): return (lambda: x)()
        @functools.lru_cache(None)
        def cached(x): return x
    """)  # fmt: skip
    recording = suite.run("""
        import deep
        def test_it():
            deep.Outer.Inner.act(1)
            deep.cached(4)
    """)
    found = {(function.name, function.line) for function in recording.functions}
    assert found == {("mark.<locals>.wrapper", 4), ("Outer.Inner.act", 10), ("Outer.Inner.act.<locals>.<lambda>", 12), ("cached", 13)}
    assert calls(recording, "cached", "deep.py") == [("function", ((4,), {}), None, None)]
    assert lost(recording, "mark.<locals>.wrapper") == (0, 1)
    assert recording.covering({("deep.py", "mark")}) == ("test_it.py::test_it",)
    assert recording.covering({("deep.py", "Outer")}) == ("test_it.py::test_it",)
    assert recording.covering({("deep.py", "wrapper"), ("lib.py", "cached")}) == ()


def test_calls_from_tests_are_recorded_and_default_objects_left_out(suite):
    suite.write("more.py", """
        NONE = object()
        def defaults(a, b=NONE, c=NONE, *, d=NONE): pass
        def rest(a, b=1, *more, **named): pass
        def keywords(a, b=2, c=3): pass
        def boxed(value):
            return lambda: value
    """)  # fmt: skip
    recording = suite.run("""
        import lib, more
        def test_it():
            lib.double(3)
            lib.double(3)
            lib.double("a", by=4)
            lib.through(7)
            more.defaults(1, d=5)
            more.defaults(1, c=[2])
            more.rest(1, 1, 2, x={"k": (None, True)})
            more.rest(1)
            more.keywords(1, c=4)
            more.boxed({1.5, b"x"})
    """)
    assert calls(recording, "double") == [("function", ((3,), {}), None, None), ("function", (("a", 4), {}), None, None)]
    assert [call[1] for call in calls(recording, "defaults", "more.py")] == [((1,), {"d": 5}), ((1,), {"c": [2]})]
    assert [call[1] for call in calls(recording, "rest", "more.py")] == [((1, 1, 2), {"x": {"k": (None, True)}}), ((1,), {})]
    assert [call[1] for call in calls(recording, "keywords", "more.py")] == [((1,), {"c": 4})]
    assert [call[1] for call in calls(recording, "boxed", "more.py")] == [(({1.5, b"x"},), {})]


def test_methods_go_with_the_literal_call_that_made_their_object(suite):
    recording = suite.run("""
        import lib
        class Mine(lib.Box): pass
        def test_it():
            box = lib.Box(4, name="n")
            box.grow(2)
            assert box.empty is False
            box.unit()
            lib.Box.of(9)
            lib.Plain().hello("you")
            lib.made().grow(5)
            Mine(1).grow(6)
            lib.Box(float("inf")).grow(7)
    """)
    made = ((4,), {"name": "n"})
    assert calls(recording, "Box.__init__") == [("init", made, "lib:Box", None)]
    assert calls(recording, "Box.grow") == [("method", ((2,), {}), "lib:Box", made)]
    assert calls(recording, "Box.empty") == [("property", ((), {}), "lib:Box", made)]
    assert calls(recording, "Box.unit") == [("function", ((), {}), None, None)]
    assert calls(recording, "Box.of") == [("class", ((9,), {}), "lib:Box", None)]
    assert calls(recording, "Plain.hello") == [("method", (("you",), {}), "lib:Plain", ((), {}))]
    assert lost(recording, "Box.grow") == (0, 3)
    assert lost(recording, "Box.__init__") == (1, 1)


def test_objects_are_spelt_as_what_makes_them(suite):
    suite.write(
        "shapes.py",
        """
        import collections, dataclasses, enum, typing
        @dataclasses.dataclass
        class Point:
            x: int
            y: int = 0
        class Pair(typing.NamedTuple):
            one: int
            two: object
        class Level(enum.Enum):
            LOW = "low"
        class Own:
            def __init__(self, size): self.size = size
        class Bare:
            pass
        def named(x): return x
        hidden = (lambda: Own(1))()
    """,
    )
    recording = suite.run("""
        import datetime, decimal, lib, shapes
        def test_it():
            for value in (shapes.Point(1, y=2), shapes.Pair(1, shapes.Point(3)), shapes.Level.LOW, shapes.Own(4), [shapes.Bare()],
                    {"a": decimal.Decimal("1.50")}, datetime.date(2024, 2, 29), frozenset([1]), shapes.named, shapes.Own, len,
                    shapes.hidden, datetime.datetime.now(datetime.timezone.utc), lambda: 1):
                lib.Plain().hello(value)
    """, most_calls=20)  # fmt: skip
    made, named = "\0made", "\0named"
    point = (made, "shapes:Point", ((), {"x": 1, "y": 2}))
    assert [call[1][0][0] for call in calls(recording, "Plain.hello")] == [
        point,
        (made, "shapes:Pair", ((1, (made, "shapes:Point", ((), {"x": 3, "y": 0}))), {})),
        (made, "shapes:Level", (("low",), {})),
        (made, "shapes:Own", ((4,), {})),
        [(made, "shapes:Bare", ((), {}))],
        {"a": (made, "decimal:Decimal", (("1.50",), {}))},
        (made, "datetime:date", ((2024, 2, 29), {})),
        (made, "builtins:frozenset", (({1},), {})),
        (named, "shapes:named"),
        (named, "shapes:Own"),
        (named, "builtins:len"),
    ]
    assert lost(recording, "Plain.hello") == (3, 0)


def test_what_is_no_honest_literal_is_counted_and_not_recorded(suite):
    recording = suite.run("""
        import enum, lib
        class Raises:
            def __repr__(self): raise RuntimeError
        class Lies:
            def __repr__(self): return "1"
        class LyingText(str):
            def __repr__(self): return "'other'"
        class Huge:
            def __repr__(self): return "1" * 10 ** 8
        class Level(enum.IntEnum):
            LOW = 1
        endless, knot = [], {}
        endless.append(endless)
        knot["self"] = knot
        deep = []
        for _ in range(500): deep = [deep]
        def test_it():
            for value in (Raises(), Lies(), LyingText("x"), Huge(), Level.LOW, endless, knot, deep, float("inf"), float("nan"), set(),
                    lib, lambda: 1, 1 << 100000, "x" * 3000, list(range(5000)), [Lies()], {Lies(): 1}):
                lib.through.__code__, isinstance(value, object), lib.numbers(1), take(value)
        def take(value):
            try: lib.double(value)
            except Exception: pass
    """, most_calls=8)  # fmt: skip
    assert calls(recording, "double") == []
    assert lost(recording, "double") == (18, 0)


def test_recorded_text_is_bounded_in_number_and_length(suite):
    recording = suite.run("""
        import lib
        def test_it():
            for i in range(100): lib.double(i)
            lib.through("y" * 1900)
    """, most_calls=3)  # fmt: skip
    assert [call[1] for call in calls(recording, "double")] == [((0,), {}), ((1,), {}), ((2,), {})]
    assert len(calls(recording, "through")) == 1


def test_lines_are_those_that_tests_ran(suite):
    suite.write("lines.py", """
        def choose(x):
            if x:
                y = 1
            else:
                y = 2
            return [y for _ in range(2)]

        def never():
            return 0
    """)  # fmt: skip
    recording = suite.run("""
        import lines, threading
        def test_it():
            lines.choose(1)
            thread = threading.Thread(target=lines.choose, args=(1,))
            thread.start(); thread.join()
    """, lines=True)  # fmt: skip
    assert recording.covered_lines("lines.py") == {2, 3, 4, 7}
    assert recording.covered_lines("lib.py") == frozenset()
    assert recording.has_lines
    assert covers(recording) == {"test_it": {"choose"}}
    assert calls(recording, "choose", "lines.py") == [("function", ((1,), {}), None, None)]
    assert not suite.run(lines=False).has_lines


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
    args = ("--cov=lib", "--cov-report=term-missing")
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
