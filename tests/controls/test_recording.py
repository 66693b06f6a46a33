"""What the recording plugin tells of a suite: which functions each test ran, with which arguments, which lines."""

from testing.recordings import MONITORS, calls, covers, lost


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
