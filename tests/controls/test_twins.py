"""A twin keeps lines and ids, and every test in it that checks its expectation goes red; shown by runs of real pytest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.controls.twins import Asked, twin, twins

SAMPLES = [(Path(__file__).parent / f"sample_{kind}.txt").read_bytes() for kind in ("pytest", "unittest")]
RESULT = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|SUBFAILED.*?) test_(\d+)\.py::(.*?)(?: - .*)?$", re.MULTILINE)


def run(folder: Path, *sources: bytes) -> list[dict[str, bool]]:
    """For each file, ids without the file, and whether each passed, with all its parts."""
    for number, source in enumerate(sources):
        (folder / f"test_{number}.py").write_bytes(source)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir=.", "."]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # plugins of whoever tests Seatrial take a second to load
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    found: list[dict[str, bool]] = [{} for _ in sources]
    for outcome, number, name in RESULT.findall(done.stdout):
        results = found[int(number)]
        results[name] = outcome == "PASSED" and results.get(name, True)
    assert all(found), done.stdout + done.stderr
    return found


def function_of(name: str) -> str:
    return name.partition("[")[0]


@pytest.mark.parametrize("far", [True, False], ids=["far", "near"])
@pytest.mark.parametrize("source", SAMPLES, ids=["pytest", "unittest"])
def test_the_named_tests_are_red_whichever_turn_it_is(tmp_path: Path, source: bytes, far: bool) -> None:
    (before,) = run(tmp_path, source)
    assert all(before.values()), before
    every = {function_of(name) for name in before}
    made = [found for turn in range(21) if (found := twin(source, every, turn, far=far))]
    assert len(made) == 21
    for twinned, after in zip(made, run(tmp_path, *(each.source for each in made)), strict=True):
        assert twinned.source.count(b"\n") == source.count(b"\n")
        assert sorted(after) == sorted(before)
        altered = {each.function for each in twinned.altered}
        assert every - altered <= {"test_without_assertion"}
        green = {function_of(name) for name, passed in after.items() if passed}
        assert green == every - altered, [each for each in twinned.altered if each.function in green]


@pytest.mark.parametrize("source", SAMPLES, ids=["pytest", "unittest"])
def test_tests_that_are_not_named_stay_as_they_are(tmp_path: Path, source: bytes) -> None:
    (before,) = run(tmp_path, source)
    named = set(sorted({function_of(name) for name in before} - {"test_without_assertion"})[::2])
    made = twin(source, named)
    assert made is not None
    assert {each.function for each in made.altered} == named
    (after,) = run(tmp_path, made.source)
    assert {function_of(name) for name, passed in after.items() if not passed} == named
    assert sorted(after) == sorted(before)


def test_what_claims_to_equal_everything_is_green_where_the_truth_is_red(tmp_path: Path) -> None:
    liar = b"class Any:\n    def __eq__(self, other): return True\n    __hash__ = None\n\n\ndef answer(): return Any()\n\n\n"
    tests = b"def test_a():\n    assert answer() == 42\n\n\ndef test_b():\n    expected = 42\n    assert expected == answer() == expected\n"
    honest = liar.replace(b"Any()", b"42")
    made = [twin(source + tests, ["test_a", "test_b"]) for source in (liar, honest)]
    told = run(tmp_path, *(each.source for each in made if each))
    assert told[0]["test_a"]
    assert told[1] == {"test_a": False, "test_b": False}


def test_an_inherited_test_is_altered_where_it_is_defined(tmp_path: Path) -> None:
    source = b"class Base:\n    def test_a(self):\n        assert 1\n\n    def test_b(self):\n        assert 1\n\n\n"
    source += b"class TestA(Base):\n    pass\n\n\nclass TestB(TestA, Unknown):\n    def test_b(self):\n        assert 1\n\n\nclass Loop(Loop):\n    pass\n"
    source = b"from builtins import object as Loop, object as Unknown\n" + source
    made = twin(source, ["TestB::test_a", "TestA::test_a", "TestB::test_b", "Loop::test_a"])
    assert made is not None
    assert [(each.function, each.line) for each in made.altered] == [("TestA::test_a", 4), ("TestB::test_a", 4), ("TestB::test_b", 16)]
    (after,) = run(tmp_path, made.source)
    assert after == {"TestA::test_a": False, "TestA::test_b": True, "TestB::test_a": False, "TestB::test_b": False}


def test_the_last_assertion_is_altered_first_and_the_turn_goes_round() -> None:
    source = b"def test_a():\n    assert a == 1\n    assert b\n    with c:\n        assert d == 'x'\n"
    told = [made.altered[0] for turn in range(4) if (made := twin(source, ["test_a"], turn))]
    assert [(each.line, each.was, each.now) for each in told] == [
        (5, "assert d == 'x'", "assert d == 'x' \"~\""),
        (3, "assert b", "assert not (b)"),
        (2, "assert a == 1", "assert a == 3"),
        (5, "assert d == 'x'", "assert d == 'x' \"~\""),
    ]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("assert[a]", "assert not ([a])"),
        ("assert'a'in b", "assert not ('a'in b)"),
        ("assert (a)", "assert (not (a))"),
        ("assert expected == f()", "assert ((expected), [object()])[1] == f()"),
        ("assert f() == expected", "assert f() == ((expected), [object()])[1]"),
        ("assert f() == approx(g())", "assert f() == ((approx(g())), [object()])[1]"),
        ("assert a and -0x10 == f()", "assert a and -33 == f()"),
        ("assert 1 != f()", "assert not (1 != f())"),
        ("self.assertAlmostEqual(f(), 1.5, places=3)", "self.assertAlmostEqual(f(), 4.0, places=3)"),
    ],
)
def test_how_an_assertion_is_altered(was: str, now: str) -> None:
    made = twin(f"def test_a():\n    {was}\n".encode(), ["test_a"])
    assert made is not None
    assert made.source.decode() == f"def test_a():\n    {now}\n"
    assert [each[:4] for each in made.altered] == [("test_a", 2, was, now)]


def test_what_a_with_expects_is_checked_after_its_body() -> None:
    source = b"import pytest\ndef test_a():\n    with pytest.raises(KeyError):\n        assert a\n        f()\n"
    made = twin(source, ["test_a"])
    assert made is not None
    assert made.altered[0].line == 3


@pytest.mark.parametrize(
    "source",
    [
        b"def test_a(:",
        b"def test_a():\n    assert 1\0\n",
        b"# coding: latin-1\ndef test_a():\n    assert '\xe4'\n",
        b"# coding: utf-7\ndef test_a():\n    assert 1\n",
        b"# coding: nonsense\ndef test_a():\n    assert 1\n",
        b"def test_a():\n    assert '\xff'\n",
        b"def test_a():\n    assert " + b"(" * 5000 + b")" * 5000,
        b"def test_a():\n    assert " + b"-" * 100_000 + b"1\n",
        b"def test_a():\n    assert x" + b".y" * 50_000 + b"\n",
        b"def test_a():\n    assert 1\nreturn\n",
        b"def test_a():\n    pass\n",
        b"def test_b():\n    assert 1\n",
        b"def test_a():\n    def test_a():\n        assert 1\n",
        b"",
    ],
)
def test_what_cannot_be_altered_has_no_twin(source: bytes) -> None:
    assert twin(source, ["test_a"]) is None


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_the_mark_of_utf_8_stay(ends: bytes, mark: bytes) -> None:
    lines = [
        b"def test_a(): assert 1 == 1; 'a'",
        b"",
        b"",
        b"def test_b():",
        b"    '''",
        b"\x0c",
        b"'''",
        b"    assert f(",
        b"       'b') == 'b'",
        b"",
    ]
    made = twin(mark + ends.join(lines), ["test_a", "test_b"])
    assert made is not None
    lines[0], lines[8] = b"def test_a(): assert 1 == 3; 'a'", b"       'b') == 'b' \"~\""
    assert made.source == mark + ends.join(lines)


def test_files_are_altered_apart_from_one_another() -> None:
    good = Asked(b"def test_a():\n    assert 1\n", ["test_a"])
    made = twins([good, Asked(b"(", ["test_a"]), good])
    assert [each is not None for each in made] == [True, False, True]
    assert made[0] == made[2]
    assert twins([]) == []


@pytest.mark.parametrize(
    ("body", "straight"),
    [
        ("    assert f() == 1\n", True),
        ("    with a:\n        assert f() == 1\n", True),
        ("    for x in f():\n        assert x == 1\n", False),
        ("    if f():\n        assert f() == 1\n", False),
        ("    try:\n        assert f() == 1\n    except E:\n        pass\n", False),
        ("    if a:\n        return\n    assert f() == 1\n", False),
        ("    assert all(x == 1 for x in f())\n", False),
        ("    assert f() == 2\n    for x in f():\n        assert x == 1\n", True),  # one that is always come by is preferred
    ],
)
def test_whether_every_run_comes_by_is_told(body, straight):
    made = twin(f"def test_a():\n{body}".encode(), ["test_a"])
    assert [each.straight for each in made.altered] == [straight]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("f() == 3", "f() == 4"),
        ("f() == -3", "f() == -4"),
        ("f() == 2.0", "f() == 2.03"),
        ("f() == 'gale'", "f() == 'galx'"),
        ("f() == b'fax'", "f() == b'fay'"),
        ("f() == ''", "f() == '' \"~\""),
        ("f() == [1, 2]", "f() == [2, 2]"),
        ("f() == True", "f() == False"),
    ],
)
def test_what_is_near_differs_by_as_little_as_tests_notice(was: str, now: str) -> None:
    made = twin(f"def test_a():\n    assert {was}\n".encode(), ["test_a"], far=False)
    assert made is not None
    assert made.altered[0].now == f"assert {now}"


def test_a_test_that_its_file_runs_on_import_is_left_alone_so_that_the_others_can_be_asked(tmp_path: Path) -> None:
    source = b"def test_a():\n    assert 1 == 1\n\ndef test_b():\n    assert 2 == 2\n\nif True:\n    test_a()\n"
    made = twin(source, ["test_a", "test_b"])
    assert made is not None
    assert [each.function for each in made.altered] == ["test_b"]
    assert run(tmp_path, made.source) == [{"test_a": True, "test_b": False}]
