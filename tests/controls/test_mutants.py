"""A mutant has one change in one line and is Python still; what no test need notice is not changed."""

import re
import sysconfig
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest

from runner import parsing
from runner.controls.mutants import MOST_SOURCE, Mutant, mutants, of_functions

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
REAL = ["argparse.py", "dataclasses.py", "json/decoder.py", "asyncio/tasks.py", "textwrap.py", "ast.py", "inspect.py"]
EVERY = range(1, 1000)


def lines_of(source: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\r|\n", source)


def made(code: str, most: int = 1000) -> list[Mutant]:
    return mutants(code.encode(), EVERY, most, "seed")


def changes(code: str) -> set[str]:
    """The lines that mutants have instead of the last line of this code, which alone is mutated."""
    return {each.now for each in mutants(code.encode(), [code.count("\n") + 1], 1000, "seed")}


@pytest.mark.parametrize("name", REAL)
def test_mutants_of_real_files_differ_in_one_place_of_one_line_and_compile(name: str) -> None:
    source = (LIBRARY / name).read_bytes()
    found = mutants(source, range(1, source.count(b"\n") + 2), 60, name)
    assert len({each.source for each in found}) == 60
    before = lines_of(source)
    with warnings.catch_warnings(action="ignore"):
        code = compile(source, name, "exec", dont_inherit=True)
        assert code not in [compile(each.source, name, "exec", dont_inherit=True) for each in found]
    for each in found:
        after = lines_of(each.source)
        assert len(after) == len(before)
        assert [number for number, (one, two) in enumerate(zip(before, after, strict=True), 1) if one != two] == [each.line]
        assert each.was != each.now


def test_the_same_seed_gives_the_same_mutants_and_another_one_others() -> None:
    source = (LIBRARY / "textwrap.py").read_bytes()
    one, again, other = (mutants(source, EVERY, 9, seed) for seed in ("a", "a", "b"))
    assert one == again
    assert {each.now for each in one} != {each.now for each in other}


def test_a_function_that_moved_is_mutated_alike() -> None:
    source = (LIBRARY / "textwrap.py").read_bytes()
    moved = b"#\n#\n" + source
    told = [
        [(each.function, each.was, each.now) for each in of_functions(text, ["dedent", "TextWrapper._split"], 9, "a")]
        for text in (source, moved)
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 9


def test_functions_take_turns_and_so_do_lines() -> None:
    code = "\n".join(f"def f{number}(a):\n    b = a + {number + 2} * a\n    return b < a and a\n" for number in range(5))
    assert Counter(each.function for each in made(code, 5)) == {f"f{number}": 1 for number in range(5)}
    ten = made(code, 10)
    assert Counter(each.function for each in ten) == {f"f{number}": 2 for number in range(5)}
    assert len({each.line for each in ten}) == 10


def test_seeds_rotate_over_all_that_can_be_changed() -> None:
    code = b"def f(a):\n    b = -a\n    return b + 2 < 3\n\n\ndef g(a):\n    return not a\n"
    seen = {each.now for number in range(60) for each in mutants(code, EVERY, 1, str(number))}
    assert seen == {each.now for each in mutants(code, EVERY, 100, "")}


def test_only_the_lines_that_are_asked_for_are_changed() -> None:
    code = b"def f(a):\n    b = a + 2\n    c = b + 3\n    return c - (\n        4)\n"
    assert {each.line for each in mutants(code, [3, 5, 77], 100, "")} == {3, 5}
    assert mutants(code, [], 100, "") == []
    assert mutants(code, [3], 0, "") == []


def test_whole_functions_are_changed_where_they_are_asked_for() -> None:
    code = b"A = 1\nclass C:\n    b = 2\n    def m(self, c=3):\n        def n(): return 4\n        return n\n\n\ndef m(): return 5\n"
    told = {name: {each.line for each in of_functions(code, [name], 100, "")} for name in ("<module>", "C", "C.m", "m", "n")}
    assert told == {"<module>": {1}, "C": {3}, "C.m": {4, 5, 6}, "m": {9}, "n": set()}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a >= b", {"a > b", "a < b"}),
        ("a == b", {"a != b"}),
        ("a<b!=c", {"a<=b!=c", "a>=b!=c", "a<b==c"}),
        ("a is b", {"a is not b"}),
        ("a  not  in(b)", {"a in(b)"}),
        ("a in(b)", {"a not in(b)"}),
        ("a + b", {"a - b"}),
        ("(a) // (b)", {"(a) / (b)"}),
        ("a ** b % c", {"a * b % c", "a ** b * c"}),
        ("-a", {"+a"}),
        ("a and b and c", {"a or b and c", "a and b or c"}),
        ("a or(b)", {"a and(b)"}),
        ("not a", {"a"}),
        ("not(a < b)", {"(a < b)", "not(a <= b)"}),
        ("a if b else c", {"a if True else c", "a if False else c"}),
        ("a if(b)else c", {"a if(True)else c", "a if(False)else c"}),
        ("[a for a in b if a]", {"[a for a in b if True]", "[a for a in b if False]"}),
        ("lambda a: a", {"lambda a: None"}),
        ("a[1]", {"a[2]"}),
        ("a(b=1.5)", {"a(b=2.5)"}),
        ("a(0x1f, True)", {"a(32, True)", "a(0x1f, False)"}),
        ("a('b')", {"a('b' \"~\")"}),
        ("a(rb'b')", {"a(rb'b' b\"~\")"}),
        ("a(f'{b + 1}')", {"a(f'{b + 1}' \"~\")"}),
        ("a + 0", {"a + 1"}),
        ("a * 1", {"a * 2"}),
        ("a if a < b else b", {"a if a >= b else b", "a if True else b", "a if False else b"}),
    ],
)
def test_how_an_expression_is_changed(was: str, now: set[str]) -> None:
    assert changes(f"with {was}: pass") == {f"with {each}: pass" for each in now}


@pytest.mark.parametrize(
    ("code", "now"),
    [
        ("def f():\n    return a", {"return None"}),
        ("def f():\n    return True", {"return False"}),
        ("def f():\n    return", set()),
        ("def f():\n    return None", set()),
        ("def f():\n    yield a", {"yield None"}),
        ("def f():\n    f(a)", {"pass"}),
        ("async def f():\n    await f(a)", {"pass"}),
        ("def f():\n    f((yield))", set()),
        ("def f():\n    raise a('b') from c", {"pass"}),
        ("a = b", {"a = None"}),
        ("a: int = b.c", {"a: int = None"}),
        ("a += b", {"a -= b"}),
        ("if a: pass", {"if True: pass", "if False: pass"}),
        ('if"a"in b: pass', {"if True: pass", "if False: pass", 'if"a"not in b: pass', 'if"a" "~"in b: pass'}),
        ("while a: pass", {"while False: pass"}),
        ("for a in b:\n    continue", {"break"}),
        ("for a in b:\n    break", {"continue"}),
        ("while a:\n    break", set()),
        ("for a in b:\n    while a: pass\n    else: break", {"else: continue"}),
        (
            "def f(a=1, *, b=True, c=d): pass",
            {f"def f({each}): pass" for each in ("a=2, *, b=True, c=d", "a=1, *, b=False, c=d", "a=1, *, b=True, c=None")},
        ),
    ],
)
def test_how_a_statement_is_changed(code: str, now: set[str]) -> None:
    assert changes(code) == now


@pytest.mark.parametrize(
    ("code", "now"),
    [
        ("def f():\n    return g(\n        a\n    )", "return None and g("),
        ("def f():\n    g(\n        a\n    )", "None and g("),
        ("def f():\n    raise g(\n        a\n    )", "if False: raise g("),
        ("if (a or\n    b): pass", "if (True or a or"),
        ("a = '''\n'''", "a = \"~\" '''"),
        ("a = '''\n'''", "''' \"~\""),
        ("with (a  # <\n) < b: pass", ") <= b: pass"),
    ],
)
def test_what_takes_several_lines_is_changed_in_one_of_them(code: str, now: str) -> None:
    assert now in {each.now for each in made(code)}


@pytest.mark.parametrize(
    "code", ["if a: raise b(\n    c\n)", "with (a is\n    not b): pass", "a = (b not # c\n in d)", "a = (lambda:\n    b)"]
)
def test_a_change_that_would_not_be_python_or_take_two_lines_is_not_made(code: str) -> None:
    for each in made(code):
        compile(each.source, "mutant", "exec")
        assert len(set(lines_of(each.source)) - set(lines_of(code.encode()))) == 1
        assert each.source.count(b"\n") == code.count("\n")


@pytest.mark.parametrize(
    "code",
    [
        '"""Doc 1."""\nclass C:\n    """Doc 2."""\n    def f(self):\n        """Doc 3."""\n        "text"',
        "def f(a: 'int < 2', *b: C[1]) -> Literal[1]: pass",
        "a: Literal['b', 1]",
        "A = Union['B', 1]\nT = TypeVar('T', bound='B')\nwith cast('A', b): pass",
        "__all__ = ['a', 'b']\n__all__ += ['c']\n__all__.append('d')",
        "__version__ = '1.' + '2'\nVERSION = (1, 2)\nlib_version: str = '1'",
        "b[setup(version='1')]",
        "log.warning('a %d', 1)\nself._logger.info('b')\nlogging.getLogger('c').error('d')",
        "if TYPE_CHECKING:\n    a = 1",
        "if typing.TYPE_CHECKING:\n    a = 1",
        "@a(1, b=True)\nclass C(d(1), e=2): pass",
        "@a(1)\ndef f(): pass",
        "@overload\ndef f(a=1): ...",
        "import a\nfrom b import c\npass",
    ],
)
def test_what_no_test_need_notice_is_not_changed(code: str) -> None:
    assert made(code) == []


def test_text_that_is_raised_or_asserted_is_not_changed() -> None:
    assert {each.now for each in made("raise A('b', 1)\nassert c < d, 'e'\nwarnings.warn('f', stacklevel=2)")} == {
        "pass",
        "assert c <= d, 'e'",
        "assert c >= d, 'e'",
    }


def test_the_branch_that_is_not_for_type_checkers_is_changed() -> None:
    assert {each.line for each in made("if TYPE_CHECKING:\n    a = 1\nelse:\n    a = 2")} == {4}
    assert {each.line for each in made("if not TYPE_CHECKING:\n    a = 1\nelse:\n    a = 2")} == {2}


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_the_mark_of_utf_8_stay(ends: bytes, mark: bytes) -> None:
    lines = ["a = 1; 'ä'".encode(), b"\x0c", "def f(): return 'ä', 2".encode(), b""]
    found = mutants(mark + ends.join(lines), [1, 3], 100, "")
    assert {each.source for each in found} >= {
        mark + ends.join([lines[0].replace(b"1", b"2"), *lines[1:]]),
        mark + ends.join([*lines[:2], lines[2].replace(b"2", b"3"), b""]),
    }
    assert {each.line for each in found} == {1, 3}


def test_what_is_told_of_a_long_line_is_about_the_change_and_printable() -> None:
    (long,) = (each for each in made(f"a({'b, ' * 500}'\x1b' < c{', d' * 500})") if "<=" in each.now)
    assert "b, '?' < c, d" in long.was
    assert "b, '?' <= c, d" in long.now
    assert len(long.was) <= 100


@pytest.mark.parametrize(
    "source",
    [
        b"def f(:",
        b"a = 1\0",
        b"# coding: latin-1\na = '\xe4'",
        b"# coding: utf-7\na = 1",
        b"# coding: nonsense\na = 1",
        b"a = '\xff'",
        b"a = " + b"(" * 100_000 + b"1",
        b"a = " + b"-" * 900_000 + b"1",
        b"a = b" + b".c" * 400_000,
        b"a = 1" + b"+1" * 200_000,
        b"if x: pass\n" + b"elif x: pass\n" * 50_000,
        b"a = 1\nreturn\n",
        b"a = 1\n" * 1_000_000,
        b"",
    ],
)
def test_hostile_and_foreign_text_has_no_mutants(source: bytes) -> None:
    began = time.monotonic()
    assert mutants(source, [1], 9, "") == []
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("source", [b"a = [" + b"1," * 500_000 + b"]", b"a = 1\n" * 150_000, b"def f():\n" + b"  f(1 < 2)\n" * 80_000])
def test_a_large_file_takes_bounded_time(source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", 2)
    began = time.monotonic()
    assert len(mutants(source, range(1, 200_000), 9, "")) in (0, 9)
    assert time.monotonic() - began < 12


def test_any_text_may_be_a_seed_or_a_name() -> None:
    assert len(of_functions(b"\n[]\na = 1", ['f"]\n["f', "\ud800", "<module>"], 9, "\ud800\n")) == 1


def test_a_file_above_the_size_limit_is_not_read() -> None:
    code = b"a = 1\n#"
    assert len(mutants(code + b"#" * (MOST_SOURCE - len(code)), [1], 9, "")) == 1
    assert mutants(code + b"#" * (MOST_SOURCE - len(code) + 1), [1], 9, "") == []
