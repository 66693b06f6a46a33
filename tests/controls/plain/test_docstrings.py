"""Examples of docstrings over a base and a changed module, with real interpreters."""

import pytest

from runner.controls.docstrings import Example, examples, holds
from runner.controls.interpreter import Told
from runner.model.result import Cause, Outcome

BASE = '''"""A module.

>>> f(2)
4
>>> x = f(3)
>>> x
6
"""

def f(a):
    """Twice.

    >>> f("ab")
    'abab'
    >>> print(f(1)); f([1])
    2
    [1, 1]
    >>> f(None)
    Traceback (most recent call last):
        ...
    TypeError: unsupported operand type(s) for *: 'NoneType' and 'int'
    >>> f(object())  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    TypeError: whatever
    >>> f((1.0,))  # doctest: +ELLIPSIS
    (1..., 1.0)
    """
    return a * 2
'''


def test_an_honest_refactor_gives_what_the_examples_say(sides):
    result = sides.examples(BASE, BASE.replace("return a * 2", "b = a * 2\n    return b"))
    assert (result.outcome, result.measured) == (Outcome.PASS, 8.0), result


WRONG = {
    "return a * 2": "return a * 2 if a != 3 else 7",
    "return a * 2\n": "import sys\n    return a * 2 if 'doctest' in sys.modules or 'pytest' in sys.modules else 7\n",
    "return a": "if a is None: raise ValueError('no')\n    return a",
    "    return a": "    print('!')\n    return a",
    "    return a ": "    import os; os._exit(0)\n    return a ",
}


@pytest.mark.parametrize(("old", "new"), WRONG.items())
def test_an_example_that_no_longer_gives_what_it_says_holds(sides, old, new):
    result = sides.examples(BASE, BASE.replace(old, new))
    assert result.outcome is Outcome.HOLD, result
    assert {finding.rule for finding in result.findings} == {"docstrings.differs"}
    assert "with the change" in result.findings[0].message


def test_words_of_the_change_are_not_asked(sides):
    other = BASE.replace("4\n", "5\n").replace("'abab'", "'no'").replace("return a * 2", "return a * 2 if a != 9 else 9")
    result = sides.examples(BASE, other)
    assert (result.outcome, result.measured) == (Outcome.PASS, 8.0), result


def test_what_the_base_does_not_give_proves_nothing(sides):
    base = 'def f(a):\n    """\n    >>> f(1)\n    3\n    >>> f(2)\n    4\n    >>> id(f)\n    17\n    """\n    return a * 2\n'
    result = sides.examples(base, base.replace("a * 2", "a + a"))
    assert (result.outcome, result.measured) == (Outcome.PASS, 1.0)
    assert "2 more" in result.reason
    lost = base.replace("    >>> f(2)\n    4\n", "")
    result = sides.examples(lost, lost.replace("a * 2", "a + a"))
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)


def test_a_module_that_ends_the_process_when_imported_gives_no_answer(sides):
    result = sides.examples(BASE, "import os; os._exit(0)\n" + BASE)
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)


def test_no_examples_are_nothing_to_ask(sides):
    result = sides.examples("def f(): return 1\n", "def f(): return 2\n")
    assert (result.outcome, result.measured) == (Outcome.PASS, 0.0)


def test_only_whole_docstrings_are_taken_of_what_is_gone_as_well(sides):
    base = 'def f():\n    """\n    >>> f()\n    1\n    >>> g()  # doctest: +SKIP\n    >>> f()\n    1\n    """\n    return 1\n'
    gone = 'def g():\n    """\n    >>> g()\n    """\n'
    bad = 'def h():\n    """\n    >>>f()\n    """\n'
    sides.write(base + gone + bad, base.replace("return 1", "return 2") + bad)
    both = {"m": sides.both()}
    assert [(example.name, example.source, example.gone) for example in examples(both, 10)] == [("f", "f()\n", False), ("g", "g()\n", True)]
    assert examples(both, 0) == ()


ASIDE = {
    "a name that leads elsewhere": (
        BASE.replace("def f", "def _f").replace("a * 2", "a * 2 if a != 3 else 7") + "\nf = _f\n",
        Outcome.HOLD,
    ),
    "by another way": (
        BASE.replace("def f", "def _f").replace("a * 2", "a * 2 if a != 3 else 7") + "\nglobals()['f'] = _f\n",
        Outcome.HOLD,
    ),
    "taken away": (BASE.partition("def f")[0] + "g = 1\n", Outcome.HOLD),  # the module's own examples
}


@pytest.mark.parametrize(("patched", "outcome"), list(ASIDE.values()), ids=list(ASIDE))
def test_examples_of_what_is_defined_elsewhere_now_are_asked(sides, patched, outcome):
    result = sides.examples(BASE, patched)
    assert result.outcome is outcome, result


def test_an_example_of_what_is_taken_away_is_not_counted(sides):
    base = 'def f():\n    """\n    >>> f()\n    1\n    """\n    return 1\ndef g():\n    """\n    >>> g()\n    2\n    """\n    return 2\n'
    result = sides.examples(base, base.partition("def g")[0])
    assert (result.outcome, result.measured) == (Outcome.PASS, 1.0), result


def test_a_display_hook_of_the_change_is_not_the_one_that_shows(sides):
    hook = "import sys\ndef _show(value):\n    if value is not None: print(repr(6 if value == 7 else value))\nsys.__displayhook__ = _show\n"
    result = sides.examples(BASE, BASE.replace('"""A module', hook + '"""A module', 1).replace("a * 2", "a * 2 if a != 3 else 7"))
    assert result.outcome is Outcome.HOLD, result


@pytest.mark.parametrize(
    ("error", "told", "same"),
    [
        ("E: no\n", ("raised", "E", "no"), True),
        ("pkg.mod.E: no\n", ("raised", "E", "no"), True),
        ("E\n", ("raised", "E", ""), True),
        ("E: no\n", ("raised", "F", "no"), False),
        ("E: no\n", ("raised", "E", "yes"), False),
        ("E: no\n", ("returned", "", ""), False),
        (None, ("raised", "E", "no"), False),
        (None, ("timed out", "", ""), False),
        (None, ("silent", "", ""), False),
    ],
)
def test_an_exception_is_compared_as_doctest_does(error, told, same):
    example = Example(module="m", name="f", source="f()\n", want="", error=error, flags=0)
    assert holds(example, Told(*told)) is same
