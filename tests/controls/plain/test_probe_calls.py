"""The program inside, run for real: what it says of values, what called code can see, and how what it wrote is read."""

import ast
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from runner.controls import interpreter
from runner.controls.calls import Few, Planned
from runner.controls.interpreter import Bounds, ask, read
from runner.model.suite import Errand

INSIDE = Path(interpreter.__file__).parent / "inside"


def told(sides, call, source, *calls, shift=0.0, env=None):
    """What comes of calls to `m`, recorded ones alone."""
    sides.write(source, textwrap.dedent(source) + "\nx = 1\n")
    planned = sides.plan(*(calls or [call()]), few=Few(neighbours=0))
    recorded = tuple(one for one in planned.calls if one.origin == "recorded")
    return sides.run("base", Planned(recorded, {}), shift, env).told


@pytest.mark.parametrize(
    ("returned", "kind", "text"),
    [
        ("None", "NoneType", "None"),
        ("{'b', 'a', 'c'}", "set", "{'a', 'b', 'c'}"),
        ("{'b': {2, 1}, 'a': (1,)}", "dict", "{'b': {1, 2}, 'a': (1,)}"),
        ("frozenset()", "frozenset", "frozenset()"),
        ("set()", "set", "set()"),
        ("object()", "object", "<object object at 0x...>"),
        ("str(object())", "str", "'<object object at 0x...>'"),
        ("type('R', (), {'__repr__': lambda self: '<R %#x>' % id(self)})()", "R", "<R 0x...>"),
        ("[f]", "list", "[<function>]"),
        ("0.1 + 0.2", "float", "0.3"),
        ("[1.0, -0.0, 1e300, float('nan')]", "list", "[1.0, -0.0, 1e+300, nan]"),
        ("10 ** 6", "int", "1000000"),
        ("(i for i in range(3))", "iterator", "<items 0, 1, 2>"),
        ("map(str, [1])", "iterator", "<items '1'>"),
        ("(1 // (2 - i) for i in range(9))", "iterator", "<items 0, 1, raised ZeroDivisionError: integer division or modulo by zero>"),
        ("b'\\xff'", "bytes", "b'\\xff'"),
        ("'\\ud800'", "str", "'\\ud800'"),
        ("__import__('collections').OrderedDict(a=1)", "OrderedDict", None),
        ("hex(10 ** 9)", "str", "'0x3b9aca00'"),
    ],
)
def test_values_are_told_the_same_in_every_process(sides, call, returned, kind, text):
    (answer,) = told(sides, call, f"def f():\n    return {returned}\n")
    assert (answer.kind, answer.type) == ("returned", kind)
    assert text in (None, answer.text)


def test_a_coroutine_is_run_to_its_end(sides, call):
    (answer,) = told(sides, call, "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 7\n")
    assert (answer.kind, answer.type, answer.text) == ("returned", "int", "7")


def test_what_a_call_prints_raises_and_alters_is_told(sides, call):
    source = "class E(Exception): pass\ndef f(a):\n    print('hi', a)\n    a.append(1)\n    raise E('no %s' % object())\n"
    (answer,) = told(sides, call, source, call("([5],)"))
    assert answer == ("raised", "E", "no <object object at 0x...>", "hi [5]\n", "(([5, 1],), {})", ())


def test_called_code_sees_a_plain_program(sides, call):
    source = """
    import os, sys
    def f():
        marks = [name for name in sys.modules if name.partition('.')[0] in ('pytest', '_pytest', 'unittest', 'doctest', 'pluggy')]
        names = [name for name in os.environ if name.startswith(('PYTEST', 'SEATRIAL'))]
        return marks, names, sys.argv, sorted(vars(sys.modules['__main__'])), len(getattr(sys, 'orig_argv', ['']))
    """
    (answer,) = told(sides, call, source, env={"PYTEST_CURRENT_TEST": "x", "PYTEST_VERSION": "9"})
    main = ["__annotations__", "__builtins__", "__doc__", "__loader__", "__name__", "__package__", "__spec__"]
    assert answer.text == repr(([], [], [""], main, 1))


def test_each_call_begins_with_the_same_seed(sides, call):
    source = "import random\ndef f(a):\n    return random.random()\n"
    one, other = told(sides, call, source, call("(1,)"), call("(2,)"))
    assert one == other


def test_the_calls_after_one_that_times_out_are_made_and_after_one_that_ends_the_process_are_not(sides, call):
    source = "import os\ndef f(a):\n    while a == 1: pass\n    if a == 3: os._exit(5)\n    return a\n"
    answers = told(sides, call, source, *[call(f"({number},)") for number in range(5)])
    assert [answer.kind for answer in answers] == ["returned", "timed out", "returned", "ended", "silent"]
    assert answers[3].text == "exit status 5"


def test_infinities_and_sets_can_be_arguments(sides):
    sides.write("def f(a, b=0):\n    return a, b\n", "")
    texts = ["(float('inf'),)", "(-inf,)", "({1, 2},)", "(set(),)", "(frozenset([1]),)", "([nan],)", "(b'x',)", "({'a': -1.5e3},)"]
    items = [[{"module": "m", "name": "f", "args": text, "kwargs": "{'b': (1+2j)}", "self": None}] for text in texts]
    asked = ask(sides.importer("base"), items, Bounds())
    reader, writer = os.pipe()
    env = {**asked.errands.env, "SEATRIAL_REPORT_FD": str(writer)}
    done = subprocess.run(
        [*asked.errands.argv, *asked.errands.each[0]], cwd=sides.folder / "base", env=env, pass_fds=(writer,), check=False
    )
    os.close(writer)
    with os.fdopen(reader) as said:
        run = read(asked, (Errand(status=done.returncode, seconds=1, told=said.read()),))
    assert [answer.text for answer in run.told] == [
        f"({text}, (1+2j))" for text in ("inf", "-inf", "{1, 2}", "set()", "frozenset({1})", "[nan]", "b'x'", "{'a': -1500.0}")
    ]


CLOCKS = """
import copy, datetime, pickle, time
from datetime import datetime as d
class Mine(d): pass
class Holds:
    clock = time.time
def f(real):
    now = [time.time(), time.time_ns() / 1e9, time.mktime(time.localtime()), d.now().timestamp(), d.today().timestamp()]
    now += [d.now(datetime.timezone.utc).timestamp(), d.utcnow().replace(tzinfo=datetime.timezone.utc).timestamp(), Mine.now().timestamp()]
    now += [time.clock_gettime(time.CLOCK_REALTIME), Holds().clock(), time.mktime(time.strptime(time.ctime())), float(time.strftime('%s'))]
    kinds = type(d.now()) is d, isinstance(d.now(), d), type(Mine.now()) is Mine, pickle.loads(pickle.dumps(d.now())).year == d.now().year
    kinds += isinstance(datetime.date.today(), datetime.date), copy.copy(d) is d, pickle.loads(pickle.dumps(d)) is d
    still = abs(time.gmtime(0).tm_year - 1970) + abs(d.fromtimestamp(86400 * 2).year - 1970)
    return [abs(one - real - SHIFT) < 60 for one in now], kinds, still, datetime.date.today().year
"""


@pytest.mark.parametrize("shift", [0.0, 1e8, -1e8])
def test_every_clock_is_shifted_and_types_stay_what_they_are(sides, call, shift):
    (answer,) = told(sides, call, f"SHIFT = {shift}\n{CLOCKS}", call(f"({time.time()!r},)"), shift=shift)
    year = time.localtime(time.time() + shift).tm_year
    assert answer.text == f"({[True] * 12}, {(True,) * 7}, 0, {year})"


BEGIN = '{"k":"start","shifted":true,"items":2}\n{"k":"begin","n":0}\n'
FINE = '{"k":"told","n":0,"kind":"returned","type":"int","text":"1"}\n'
AFTER = '{"k":"begin","n":1}\n{"k":"told","n":1,"kind":"returned","type":"int","text":"2"}\n{"k":"end","items":2}\n'


@pytest.mark.parametrize(
    ("said", "status", "kinds"),
    [
        (BEGIN + FINE + AFTER, 0, ["returned", "returned"]),
        ("", 0, ["silent", "silent"]),
        (FINE + BEGIN + AFTER, 0, ["garbled", "returned"]),
        (BEGIN + FINE + FINE + AFTER, 0, ["garbled", "returned"]),
        (BEGIN + FINE + AFTER + AFTER, 0, ["returned", "garbled"]),
        (BEGIN + FINE + AFTER, 1, ["returned", "garbled"]),
        (BEGIN + FINE + AFTER, None, ["returned", "garbled"]),
        (BEGIN + FINE, 0, ["garbled", "silent"]),
        (BEGIN, None, ["hung", "silent"]),
        (BEGIN, 3, ["ended", "silent"]),
        (BEGIN + '{"k":"told","n":0,"kind":"fine"}\n' + AFTER, 0, ["garbled", "returned"]),
        (BEGIN + '{"k":"told","n":true}\n[' + "[" * 90_000 + "\n" + FINE + AFTER, 0, ["returned", "returned"]),
        (BEGIN + BEGIN + FINE + AFTER, 0, ["garbled", "garbled"]),
        (BEGIN + FINE + BEGIN.partition("\n")[0] + "\n" + AFTER, 0, ["returned", "garbled"]),
    ],
)
def test_what_was_written_out_of_turn_or_twice_is_no_answer(sides, said, status, kinds):
    items = [[{"module": "m", "name": "f", "args": text, "kwargs": "{}", "self": None}] for text in ("(1,)", "(2,)")]
    asked = ask(sides.importer("base"), items, Bounds())
    run = read(asked, (Errand(status=status, seconds=1.0, told=said),))
    assert [answer.kind for answer in run.told] == kinds


def test_each_module_has_an_interpreter_of_its_own_and_lists_are_bounded(sides):
    items = [
        [{"module": module, "name": "f", "args": "(1,)", "kwargs": "{}", "self": None}] for module in ("a", "a", "b") for _ in range(80)
    ]
    asked = ask(sides.importer("base"), items, Bounds(most=100))
    assert [len(one) for one in asked.lists] == [100, 60, 80]
    wide = [[{"module": "a", "name": "f", "args": "x" * 30_000, "kwargs": "{}", "self": None}] for _ in range(40)]
    asked = ask(sides.importer("base"), wide, Bounds())
    assert sum(len(one) for one in asked.lists) == 3
    assert all(len(argument) <= interpreter.LONGEST_ARGUMENT for one in asked.errands.each for argument in one)


@pytest.mark.parametrize("name", ["probe_calls", "clock", "showing", "arguments", "run_examples", "printed"])
def test_the_programs_keep_to_the_oldest_python_and_the_standard_library(name):
    tree = ast.parse((INSIDE / f"{name}.py").read_text(), feature_version=(3, 8))
    names = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= sys.stdlib_module_names
    assert not names & {"unittest", "doctest"}
