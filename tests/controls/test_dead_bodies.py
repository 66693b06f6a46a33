"""A dead body raises when it is run, and nothing else of the file changes; hostile text is read in a child."""

import ast
import asyncio
import time
import types
import warnings
from typing import Any

import pytest

from runner.controls.dead_bodies import dead

SOURCE = b'''\
"""A module."""
import functools
from contextlib import contextmanager


def plain(a, b=2):
    """Says what it does."""
    first = [
        a,
        b,
    ]
    return first  # and more


def one_line(): x = (1,
    2); return x;


def documented(): """Nothing else."""


@contextmanager
def managed():
    # a comment
    yield from ()
    if True:
        yield 1;


async def waits():
    await other()


async def each_waits():
    yield 1


def makes_a_generator():
    def inner(): yield 1
    return [inner, lambda: (yield)]


def generator_by_default():
    def inner(a=(yield)): pass


class C:
    """A class."""

    @property
    def value(self):
        return 1

    @value.setter
    def value(self, value):
        self._value = value

    @staticmethod
    def m(depth):
    \t# tabs below
    \ttry:
    \t\treturn C.m(depth - 1) if depth else 1
    \texcept ValueError:
    \t\treturn C.m(depth - 1)

    class D:
        if True:
            def deep(self): return 1
        else:
            def deep(self): return 2

    @functools.wraps(
        plain
    )
    def wrapped(self):
        @ functools.lru_cache
        class E: pass

        @staticmethod
        def last(): return 1


def other(): return 3
'''
NAMES = [
    "plain",
    "one_line",
    "documented",
    "managed",
    "waits",
    "each_waits",
    "makes_a_generator",
    "generator_by_default",
    "C.value",
    "C.m",
    "C.D.deep",
    "C.wrapped",
]


def loaded(source: bytes | None) -> Any:
    assert source is not None
    module = types.ModuleType("loaded")
    exec(compile(source, "loaded.py", "exec", dont_inherit=True), vars(module))
    return module


async def listed(values: Any) -> list[Any]:
    return [each async for each in values]


def ways_to_run(module: Any) -> list[Any]:
    return [
        lambda: module.plain(1),
        module.one_line,
        module.documented,
        lambda: module.managed().__enter__(),
        lambda: asyncio.run(module.waits()),
        lambda: asyncio.run(listed(module.each_waits())),
        module.makes_a_generator,
        lambda: list(module.generator_by_default()),
        lambda: module.C().value,
        lambda: setattr(module.C(), "value", 1),
        lambda: module.C.m(3),
        module.C.D().deep,
        module.C().wrapped,
    ]


def test_every_named_function_raises_when_it_is_run() -> None:
    for run in ways_to_run(loaded(dead(SOURCE, NAMES))):
        with pytest.raises(RuntimeError, match="dead body"):
            run()
    assert loaded(dead(SOURCE, NAMES)).other() == 3


@pytest.mark.parametrize("name", NAMES)
def test_what_is_around_a_dead_body_keeps_its_lines_and_its_text(name: str) -> None:
    killed = dead(SOURCE, [name])
    assert killed is not None
    before, after = SOURCE.split(b"\n"), killed.split(b"\n")
    assert len(before) == len(after)
    changed = [number for number, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
    assert 0 < len(changed) <= 12
    assert killed.count(b"dead body") == (2 if name in ("C.value", "C.D.deep") else 1)
    assert beside(killed, name) == beside(SOURCE, name)


def beside(source: bytes, name: str) -> list[tuple[int, str]]:
    """What stands beside the function or class of this name in the module."""
    outer = name.partition(".")[0]
    return [(each.lineno, ast.dump(each)) for each in ast.parse(source).body if getattr(each, "name", "") != outer]


def test_the_kind_and_the_docstring_stay() -> None:
    module = loaded(dead(SOURCE, NAMES))
    assert module.plain.__doc__ == "Says what it does."
    assert module.documented.__doc__ == "Nothing else."
    waiting = module.waits()
    waiting.close()
    assert isinstance(waiting, types.CoroutineType)
    assert isinstance(module.each_waits(), types.AsyncGeneratorType)
    assert isinstance(module.generator_by_default(), types.GeneratorType)


def test_a_raise_through_callers_that_call_again_ends_soon() -> None:
    callers = b"def caller(depth):\n    try:\n        return leaf() if not depth else caller(depth - 1)\n    except RuntimeError:\n        raise\n"
    module = loaded(dead(b"def leaf(): return 1\n" + callers, ["leaf"]))
    with pytest.raises(RuntimeError) as caught:
        module.caller(300)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (b"def f(:", ["f"]),
        (b"def f(): return '\0'", ["f"]),
        (b"# coding: utf-16\ndef f(): return 1", ["f"]),
        (b"# coding: latin-1\ndef f(): return '\xe4'", ["f"]),
        (b"def f(): return '\xff'", ["f"]),
        (b"def f(): return " + b"(" * 100_000, ["f"]),
        (b"def f(): return " + b"-" * 1_000_000 + b"1", ["f"]),
        (b"def f(): return 1" + b"+1" * 200_000, ["f"]),
        (b"def f(): return 1\nif x: pass\n" + b"elif x: pass\n" * 50_000, ["f"]),
        (b"def f(): return x\n" + b"x = " + b"1 if x else " * 100_000 + b"1", ["f"]),
        (b"def f(): return 1\nbreak\n", ["f"]),
        (b"def f():\n  def g(): return 1\n", ["g", "f.g", "f.<locals>.g"]),
        (b"class f:\n  g = lambda: 1\n", ["f", "f.g"]),
        (b"", ["f"]),
        (b"def f(): return 1", []),
        (b"\n[]\ndef f(): return 1", ['f"]\n["f']),
    ],
)
def test_hostile_and_foreign_text_has_no_dead_body(source: bytes, names: list[str]) -> None:
    began = time.monotonic()
    assert dead(source, names) is None
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "body",
    [
        b"\n  @(  # a@b\n    (  # @\n    c))\n  @ \\\n  d\n  def g(): pass\n",
        b"\n  @c\n  @d\n  class g: pass\n",
        b" return 1 # a",
        b" 'a'; return 1;",
        b"\\\n return 1",
        b"\n  'a' \\\n  'b'\n  return 1",
        b"\r\n  return 1\r\n",
        b"\r  return '''\r'''\r",
        b"\n  '''\xc3\xa4'''; return '\xc3\xa4\x0c' ; 'x' # \xc3\xa4\n",
        b"\n\n  # a\n  return 1 ; \\\n  \n",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_way_to_write_a_body_dies(body: bytes, mark: bytes) -> None:
    source = mark + b"def f():" + body + b"\nx = 1\n"
    before = ast.parse(source)
    killed = dead(source, ["f"])
    assert killed is not None
    after = ast.parse(killed)
    assert [(type(each), each.lineno) for each in after.body] == [(type(each), each.lineno) for each in before.body]
    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="dead body"):
        loaded(killed).f()
