"""The program that imports modules, run for real, and what is made of its words when they are hostile."""

import os
import subprocess
import sys

import pytest

from runner.model.suite import Errand
from runner.ports import Importer
from runner.trial.imports import MOST, apart, read_apart, read_together, together

NAMES = ("a", "b", "c")


def importer(box):
    return Importer((sys.executable, "-s", "-c"), {"PYTHONPATH": ""}, str(box.work), (), ".:src")


def carried_out(box, names, seconds=20.0):
    """The errand for `names` as the launcher runs it."""
    asked = together(importer(box), names, seconds)
    reader, writer = os.pipe()
    env = {"PATH": os.environ["PATH"], **asked.env, "SEATRIAL_REPORT_FD": str(writer)}
    with subprocess.Popen([*asked.argv, *asked.each[0]], cwd=box.work, env=env, pass_fds=(writer,), stdout=-3, stderr=-3) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            said = told.read()
    return read_together((Errand(status=process.returncode, seconds=1.0, told=said.decode("ascii")),), names)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("x = 1", ("imported", "", "", "")),
        ("import time, json\nassert time and 1 == 2, 'no'", ("raised", "AssertionError", "", "m.py:2")),
        ("import missing_thing", ("raised", "ModuleNotFoundError", "missing_thing", "m.py:1")),
        ("try: import missing.part\nexcept ImportError as e: raise RuntimeError('install it') from e", ("raised", "RuntimeError", "missing", "m.py:2")),
        ("from other import nothing", ("raised", "ImportError", "other", "m.py:1")),
        ("import sys; sys.exit(0)", ("raised", "SystemExit", "", "m.py:1")),
        ("import os; os._exit(0)", ("ended", "", "", "")),
        ("import os; os.kill(os.getpid(), 9)", ("ended", "", "", "")),
        ("import sys; sys.modules['m'] = None", ("imported", "", "", "")),
        ("import os; os.write = os._exit = print", ("imported", "", "", "")),
        ("class E(Exception):\n def __str__(self): raise self\nraise E", ("raised", "E", "", "m.py:3")),
        ("import os, sys\nos.close(1); os.close(2); sys.stdout = None; print(1)", ("imported", "", "", "")),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()", ("imported", "", "", "")),
    ],
)  # fmt: skip
def test_an_import_is_told_whatever_comes_of_it(box, source, answer):
    box.write_file("src/other.py", "")
    box.write_file("m.py", source)
    found = carried_out(box, ("m",))["m"]
    assert (found.state, found.error, found.needs, found.place) == answer


def test_what_follows_a_failed_import_is_imported_all_the_same_and_what_follows_an_end_is_silent(box):
    for name, source in {"a": "1 / 0", "b": "", "c": "import os; os._exit(7)", "d": ""}.items():
        box.write_file(f"src/{name}.py", source)
    found = carried_out(box, ("a", "b", "c", "d"))
    assert {name: answer.state for name, answer in found.items()} == {"a": "raised", "b": "imported", "c": "ended", "d": "silent"}
    assert (found["c"].status, found["b"].file) == (7, f"{box.work}/src/b.py")


def test_a_message_is_bounded_and_harmless(box):
    box.write_file("m.py", "raise ValueError('\\x1b[2J\\u202e\\ttab\\nline' + 'x' * 10_000)")
    message = carried_out(box, ("m",))["m"].message
    assert message.isascii()
    assert message.startswith("\\x1b[2J\\u202e\\ttab\\nline")
    assert len(message) <= 400


BEGIN, FINE = "begin\t0\n", "imported\t0\t0.100\t/work/a.py\n"
AFTER = "begin\t1\nimported\t1\t0.100\t/work/b.py\n"


@pytest.mark.parametrize(
    ("told", "status", "states"),
    [
        (BEGIN + FINE + AFTER, 0, ["imported", "imported", "silent"]),
        ("\n\n" + BEGIN + "garbage\n\x00{}\n" + FINE, 0, ["imported", "silent", "silent"]),
        ("", 0, ["silent"] * 3),
        (FINE, 0, ["silent"] * 3),
        (BEGIN, 0, ["ended", "silent", "silent"]),
        (BEGIN, None, ["hung", "silent", "silent"]),
        (BEGIN + FINE, None, ["hung", "silent", "silent"]),
        (BEGIN + FINE, 3, ["ended", "silent", "silent"]),
        # two words about one module, out of turn, or of no module
        (BEGIN + FINE + "raised\t0\t0.100\tE\t\t\tno\n", 0, ["silent"] * 3),
        (BEGIN + AFTER + FINE, 0, ["silent", "imported", "silent"]),
        (BEGIN + "imported\t2\t0.100\tx\n" + FINE, 0, ["imported", "silent", "silent"]),
        (BEGIN + FINE + "begin\t9\nbegin\t-1\nbegin\t٣\nimported\t99999\t1.000\tx\n", 0, ["imported", "silent", "silent"]),
        (BEGIN + "imported\t0\n", 0, ["silent"] * 3),
        (BEGIN + "raised\t0\tnan\tE\t\t\n", 0, ["silent"] * 3),
    ],
)  # fmt: skip
def test_only_one_plain_word_in_its_turn_is_an_answer(told, status, states):
    found = read_together((Errand(status=status, seconds=1.0, told=told),), NAMES)
    assert [found[name].state for name in NAMES] == states


def test_letters_that_the_program_never_writes_are_not_passed_on():
    told = BEGIN + "raised\t0\t0.100\tE\x1b\t\t\t\ufffd\x07\n"
    answer = read_together((Errand(status=0, seconds=1.0, told=told),), ("a",))["a"]
    assert (answer.error, answer.message) == ("E?", "??")


def test_modules_asked_apart_have_an_errand_each_as_far_as_there_was_time(box):
    asked = apart(importer(box), NAMES, 3.0, 10.0)
    assert [len(each) for each in asked.each] == [1, 1, 1]
    found = read_apart((Errand(status=0, seconds=1.0, told=BEGIN + FINE), Errand(status=None, seconds=3.0, told=BEGIN)), NAMES)
    assert [found[name].state for name in NAMES] == ["imported", "hung", "silent"]
    assert {answer.state for answer in read_apart(None, NAMES).values()} == {"silent"}


def test_nothing_is_asked_when_there_is_nothing_to_import_and_never_too_much(box):
    assert together(importer(box), (), 3.0) is None
    names = tuple(f"m{number}" for number in range(3 * MOST))
    assert len(together(importer(box), names, 3.0).each[0]) == MOST
    found = read_together((Errand(status=0, seconds=1.0, told=BEGIN + FINE),), names)
    assert len(found) == len(names)
    assert sum(len(name) for name in together(importer(box), ("x" * 80_000, "y" * 80_000), 3.0).each[0]) == 80_000
