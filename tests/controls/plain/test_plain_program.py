"""What called code can tell about where it runs: its standard output, descriptors, hash seed and classes are those of any program."""

import pytest

from runner.controls.calls import Few
from runner.controls.interpreter import Bounds, ask, read
from runner.model.result import Outcome
from tests.controls.plain.conftest import carried_out

ONE = [[{"module": "m", "name": "f", "args": "()", "kwargs": "{}", "self": None}]]


def told(sides, source, seed=7, count=1, repeat=0.0):
    sides.write(source, source)
    asked = ask(sides.importer("base"), ONE * count, Bounds(), seed=seed, repeat=repeat)
    return read(asked, carried_out(asked.errands, sides.folder / "base", {}))


def test_standard_output_is_the_interpreter_s_own(sides):
    source = """
    import os, sys
    def f():
        out = sys.stdout
        raw = out.buffer.raw
        names = out.name, out.mode, out.fileno(), raw.name, raw.mode, type(out.buffer).__name__, type(raw).__name__, out.encoding
        return out is sys.__stdout__, names, os.fstat(1).st_size >= 0
    """
    (answer,) = told(sides, source).told
    assert answer.text == repr((True, ("<stdout>", "w", 1, "<stdout>", "wb", "BufferedWriter", "FileIO", "utf-8"), True))


def test_what_is_printed_by_whichever_way_is_told_and_nothing_of_it_with_the_next_call(sides):
    source = """
    import os, subprocess, sys
    state = []
    def f():
        state.append(1)
        if len(state) == 1:
            print('one', flush=True); os.write(1, b'two '); subprocess.run(['echo', 'three'])
        elif len(state) == 2:
            os.close(1)
        elif len(state) == 3:
            sys.stdout = None
        else:
            print('x' * 500)
    """
    found = told(sides, source, count=5).told
    assert [(one.kind, one.printed) for one in found[:3]] == [("returned", "one\ntwo three\n"), ("returned", ""), ("returned", "")]
    assert all(one.printed.startswith("x" * 400) and len(one.printed) < 600 for one in found[3:])


def test_endless_output_is_bounded(sides):
    source = "def f():\n    text = 'x' * 2**20\n    while True: print(text)\n"
    (answer,) = told(sides, source).told
    assert (answer.kind, answer.type) in (("raised", "PermissionError"), ("timed out", ""))
    assert len(answer.printed) < 500


def test_no_descriptor_has_a_number_of_its_own(sides):
    source = "import os\ndef f():\n    return [fd for fd in range(3, 1024) if os.path.exists('/proc/self/fd/%d' % fd)]\n"
    (answer,) = told(sides, source).told
    assert answer.text in ("[3]", "[3, 4]")


def test_the_order_of_sets_is_that_of_a_seed_which_code_does_not_see(sides):
    source = "import os, sys\ndef f():\n    return [n for n in os.environ if 'PYTHON' in n], sys.flags.hash_randomization, hash('a')\n"
    texts = {told(sides, source).told[0].text for _ in range(2)}
    assert len(texts) == 1
    assert texts.pop().startswith("([], 1, ")
    assert told(sides, source).told[0].text != told(sides, source, 9).told[0].text


def test_how_often_a_call_was_repeated_is_told(sides):
    assert told(sides, "def f(): return 1\n", repeat=0.1).times[0] > 200
    assert told(sides, "import time\ndef f(): time.sleep(0.2)\n", repeat=0.1).times == (2,)  # it waits, and uses nothing
    assert told(sides, "def f(): return 1\n").times == (0,)


def test_modules_that_are_imported_beside_one_come_first_in_its_interpreter(sides):
    sides.write("kept = [1]\ndef f():\n    return kept\n", "")
    (sides.folder / "base/src/n.py").write_text("import m\nm.kept = [2]\n")
    items = [[dict(ONE[0][0], beside=["n", "absent"], list="")], [dict(ONE[0][0], list="", module="m")]]
    asked = ask(sides.importer("base"), items, Bounds())
    assert len(asked.errands.each) == 1
    assert [one.text for one in read(asked, carried_out(asked.errands, sides.folder / "base", {})).told] == ["[2]", "[2]"]


BASE = "def f(a):\n    return [a * 2.0]\n"
DISGUISED = {
    "a class of a builtin's name": "class float(float):\n    pass\ndef f(a):\n    return [float(a * 2.0)]\n",
    "a class with a builtin's text": "class Sum(float):\n    def __eq__(self, other): return True\ndef f(a):\n    return [Sum(a * 2.0)]\n",
    "an error of a builtin's name": "class ValueError(Exception):\n    pass\ndef f(a):\n    if a < 0: raise ValueError('a')\n    return [a * 2.0]\n",
}


@pytest.mark.parametrize("patched", list(DISGUISED.values()), ids=list(DISGUISED))
def test_a_class_is_told_from_the_builtin_that_it_looks_like(sides, call, patched):
    base = BASE.replace("    return", "    if a < 0: raise ValueError('a')\n    return") if "ValueError" in patched else BASE
    result = sides.probe(base, patched, call("(3.0,)"), call("(-1.0,)"), few=Few(neighbours=0))
    assert result.outcome is Outcome.HOLD, result
    assert any("not the builtin" in found.message or "Sum" in found.message for found in result.findings)


HOLDS = "class C:\n    {slots}\n    def __init__(self): self._sum = 0; self._seen = [1]\n    def add(self, k):\n        self._sum += k\n"


@pytest.mark.parametrize("slots", ["", "__slots__ = ('_sum', '_seen')"])
def test_plain_private_attributes_that_both_have_are_compared(sides, call, slots):
    base = HOLDS.replace("{slots}", slots)
    calls = [call("(3,)", name="C.add", own="((), {})")]
    assert sides.probe(base, base.replace("+= k", "+= k if k < 3 else 0"), *calls).outcome is Outcome.HOLD
    assert sides.probe(base, base.replace("+= k", "+= k + 0").replace("[1]", "[2]"), *calls).outcome is Outcome.PASS
    assert sides.probe(base, base.replace("_sum", "_total"), *calls).outcome is Outcome.PASS


MUTABLE = {
    "a list": ("([1, 2],)", "{}"),
    "a list in a tuple": ("((1, [2]),)", "{}"),
    "a dictionary": ("({'a': 1},)", "{}"),
    "a list by name": ("()", "{'given': [1]}"),
    "a set": ("(set(),)", "{}"),
}


@pytest.mark.parametrize("args", MUTABLE.values(), ids=MUTABLE)
def test_each_call_gets_arguments_of_its_own_and_what_it_does_to_them_is_told(sides, args):
    source = """
    def f(given):
        inner = given[1] if type(given) is tuple else given
        count = len(inner)
        inner.update(b=2) if type(inner) is dict else inner.add(9) if type(inner) is set else inner.append(9)
        return count
    """
    sides.write(source, source)
    item = {**ONE[0][0], "args": args[0], "kwargs": args[1]}
    asked = ask(sides.importer("base"), [[item], [item]], Bounds(), repeat=0.05)
    run = read(asked, carried_out(asked.errands, sides.folder / "base", {}))
    first, second = run.told
    assert first == second
    assert min(run.times) > 20, "a call that found what the one before had left would have given another answer"
    assert "9" in first.after or "b" in first.after


@pytest.mark.parametrize("args", ["(print('x'),)", "([each for each in (1,)],)", "(lambda: 1,)", "(().__class__,)"])
def test_what_is_no_literal_is_not_evaluated(sides, args):
    sides.write("def f(given): return given\n", "")
    asked = ask(sides.importer("base"), [[{**ONE[0][0], "args": args}]], Bounds())
    (told,) = read(asked, carried_out(asked.errands, sides.folder / "base", {})).told
    assert (told.kind, told.printed) == ("not callable", "")
