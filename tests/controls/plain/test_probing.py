"""Real interpreters over a base and a changed module: what is found, what raises no alarm, and what hostile code can do to the answer."""

import time

import pytest

from runner.controls.calls import Few, Planned
from runner.controls.comparing import Seen
from runner.controls.interpreter import SILENT, Run, Told
from runner.controls.probing import judge
from runner.model.result import Cause, Outcome

YEARS = 3 * 365 * 86400.0
BASE = "def f(a):\n    return a * 2\n"
HONEST = [
    ("def f(a):\n    return a * 2\n", "def f(a):\n    '''New words.'''\n    return a + a\n"),
    ("def f(a):\n    return [x for x in range(a)]\n", "def f(a):\n    out = []\n    for x in range(a): out.append(x)\n    return out\n"),
    ("def f(a):\n    return (x for x in range(a))\n", "def f(a):\n    return iter(range(a))\n"),
    ("def f(a):\n    return float(sum([0.1] * a))\n", "import math\ndef f(a):\n    return math.fsum([0.1] * a)\n"),
    ("def f(a):\n    return {str(a), 'b', 'c', 'd'}\n", "def f(a):\n    return {'d', 'c', 'b'} | {str(a)}\n"),
    ("def f(a):\n    return object()\n", "def f(a):\n    return (object())  if a else object()\n"),
    ("import random\ndef f(a):\n    return random.random()\n", "import random\ndef f(a):\n    b = random.random()\n    return b\n"),
    ("import uuid\ndef f(a):\n    return uuid.uuid4()\n", "import uuid\ndef f(a):\n    return uuid.UUID(str(uuid.uuid4()))\n"),
    ("import time\ndef f(a):\n    return [time.time(), a]\n", "import time\ndef f(a):\n    b = time.time()\n    return [b, a]\n"),
    ("def f(a):\n    raise ValueError('no %r' % object())\n", "def f(a):\n    b = object()\n    raise ValueError('no %r' % b)\n"),
    (
        "class C:\n    def __init__(self): self.x = 1\ndef f(a):\n    return C()\n",
        "class C:\n    def __init__(self):\n        self.x = 1\n        self.new = self._cache = 2\ndef f(a):\n    return C()\n",
    ),
]


@pytest.mark.parametrize(("base", "patched"), HONEST)
def test_an_honest_refactor_and_unstable_results_raise_no_alarm(sides, call, base, patched):
    result = sides.probe(base, patched, call("(3,)"), call("(5,)"))
    assert result.outcome in (Outcome.PASS, Outcome.WARN, Outcome.UNKNOWN), result
    wavers = "uuid" in base or "time" in base
    assert (result.outcome is Outcome.PASS) is not wavers, result


WRONG = [
    "def f(a):\n    return a * 2 if a != 4 else 9\n",
    "import sys\ndef f(a):\n    return a * 2 if 'pytest' in sys.modules else 7\n",
    "import os\ndef f(a):\n    return a * 2 if 'PYTEST_CURRENT_TEST' in os.environ else 7\n",
    "import sys\ndef f(a):\n    return a * 2 if any('pytest' in word for word in sys.argv) else 7\n",
    "class Always(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\ndef f(a):\n    return Always(a * 2)\n",
    "class Always:\n    def __eq__(self, other): return True\n    def __repr__(self): return '6'\ndef f(a):\n    return Always()\n",
    "def f(a):\n    print('hello')\n    return a * 2\n",
    "def f(a):\n    raise ValueError('no')\n",
    "def f(a):\n    while True: pass\n",
    "def f(a):\n    import os; os._exit(0)\n",
    "def f(a):\n    import sys; sys.exit(0)\n",
    "import os\nos._exit(0)\ndef f(a):\n    return 2 * a\n",
]


@pytest.mark.parametrize("patched", WRONG)
def test_a_change_of_behaviour_holds_with_the_pair_shown_or_is_not_known(sides, call, patched):
    result = sides.probe(BASE, patched, call("(3,)"))
    if patched.startswith("import os\nos._exit"):
        assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)
        assert "gave no answer" in result.reason
        return
    assert result.outcome is Outcome.HOLD, result
    assert result.findings[0].path == "src/m.py"
    assert "on the base " in result.findings[0].message


def test_a_bug_behind_a_neighbour_is_found_and_not_without_neighbours(sides, call):
    result = sides.probe(BASE, WRONG[0], call("(3,)"))
    assert [finding.message for finding in result.findings] == ["m.f(4): on the base returned 8 (int); with the change returned 9 (int)"]
    assert sides.probe(BASE, WRONG[0], call("(3,)"), few=Few(neighbours=0)).outcome is Outcome.PASS


BOMBS = [
    "import time\ndef f(a):\n    return a * 2 if time.time() < {at} else 7\n",
    "from time import time_ns\ndef f(a):\n    return a * 2 if time_ns() < {at} * 10**9 else 7\n",
    "import time\ndef f(a):\n    return a * 2 if time.localtime().tm_year < {year} else 7\n",
    "import time\ndef f(a):\n    return a * 2 if time.strftime('%Y') < '{year}' else 7\n",
    "import datetime\ndef f(a):\n    return a * 2 if datetime.datetime.now() < datetime.datetime({year}, 1, 1) else 7\n",
    "from datetime import datetime\ndef f(a):\n    return a * 2 if datetime.utcnow().year < {year} else 7\n",
    "from datetime import date\ndef f(a):\n    return a * 2 if date.today() < date({year}, 1, 1) else 7\n",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_time_bomb_is_found_by_the_shifted_clock_and_not_without(sides, call, bomb):
    now = time.time()
    patched = bomb.format(at=int(now + YEARS / 2), year=time.gmtime(now).tm_year + 2)
    assert sides.probe(BASE, patched, call("(3,)")).outcome is Outcome.PASS
    result = sides.probe(BASE, patched, call("(3,)"), shifts=(0.0, YEARS))
    assert result.outcome is Outcome.HOLD
    assert "in another clock" in result.findings[0].message


def test_what_the_base_was_never_meant_for_is_no_measure_and_words_of_an_error_count_only_where_the_suite_saw_them(sides, call):
    base = "def f(a):\n    if a < 0:\n        raise ValueError('negative')\n    return 10 // a\n"
    assert sides.probe(base, base.replace("'negative'", "'below zero'"), call("(1,)")).outcome is Outcome.PASS
    assert sides.probe(base, base.replace("'negative'", "'below zero'"), call("(-1,)")).outcome is Outcome.HOLD
    assert sides.probe(base, base.replace("ValueError", "KeyError"), call("(1,)")).outcome is Outcome.HOLD
    guesses = "def f(a):\n    return a.strip()\n"
    tolerant = "def f(a):\n    return str(a).strip() if not isinstance(a, str) else a.strip()\n"
    assert sides.probe(guesses, tolerant).outcome is Outcome.PASS


def test_what_depends_on_the_day_on_both_trees_raises_no_alarm(sides, call):
    base = "import datetime\ndef f(a):\n    return datetime.date.today().year + a\n"
    result = sides.probe(base, base.replace("+ a", "+ a + 0"), call("(3,)"), shifts=(0.0, YEARS))
    assert (result.outcome, result.measured) == (Outcome.PASS, 6.0)


def test_methods_are_called_on_objects_made_anew_and_what_they_alter_is_seen(sides, call):
    base = "class C:\n    def __init__(self, n): self.n = n\n    def add(self, k):\n        self.n += k\n    def into(self, l):\n        l.append(self.n)\n"
    for wrong in (base.replace("+= k", "+= k + 1"), base.replace("append(self.n)", "append(0)")):
        calls = [call("(1,)", name="C.add", own="((5,), {})"), call("([2],)", name="C.into", own="((5,), {})")]
        result = sides.probe(base, wrong, *calls, few=Few(neighbours=0))
        assert result.outcome is Outcome.HOLD, result
        assert "of an object made with (5):" in result.findings[0].message


def test_a_private_function_is_measured_through_those_that_use_it(sides, call):
    base = "def _twice(a):\n    return a * 2\ndef f(a):\n    return _twice(a)\n"
    assert sides.probe(base, base.replace("a * 2", "a + a"), call("(3,)")).outcome is Outcome.PASS
    assert sides.probe(base, base.replace("a * 2", "a * 3"), call("(3,)")).outcome is Outcome.HOLD


def test_a_changed_function_without_any_call_is_unproven(sides):
    base = "def f(a: object):\n    return a\n"
    result = sides.probe(base, base.replace("return a", "return (a, a)"))
    assert (result.outcome, result.findings[0].rule) == (Outcome.WARN, "probe.unproven")


def test_a_file_that_cannot_be_parsed_gives_nothing_that_the_base_gives(sides, call):
    result = sides.probe(BASE, "def f(a:\n", call("(3,)"))
    assert (result.outcome, result.findings[0].rule) == (Outcome.HOLD, "probe.differs")
    assert "not imported (SyntaxError" in result.findings[0].message


def test_guesses_that_the_base_was_never_meant_for_leave_the_function_unproven(sides):
    base = "def f(a):\n    return a.nothing_that_literals_have\n"
    result = sides.probe(base, base.replace("return a", "return (a)  and a"))
    assert (result.outcome, result.measured) == (Outcome.WARN, 0.0), result


def test_a_base_that_gives_nothing_is_not_known(sides, call):
    result = sides.probe("import nothing_of_the_kind\n" + BASE, "import nothing_of_the_kind\n" + BASE + "    # \n\nx = 1\n", call("(3,)"))
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)
    assert "nothing_of_the_kind" in result.reason


FORGED = r"""
import os
def f(a):
    for fd in range(3, 1024):
        try:
            os.write(fd, b'{"k":"told","n":0,"kind":"returned","type":"int","text":"6","printed":"","after":"","state":{}}\n{"k":"end"}\n')
        except OSError:
            pass
    return 7
"""
HOSTILE = [
    (FORGED, "it said more than one thing"),
    ("def f(a):\n    return 'x' * 10**7\n", "sha256"),
    ("class R:\n    def __repr__(self): return repr(self)\ndef f(a):\n    return R()\n", "<repr raised RecursionError>"),
    ("def f(a):\n    l = []\n    l.append(l)\n    return l\n", "[...]"),
    ("import signal\ndef f(a):\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass\n", "hung"),
    ("def f(a):\n    try:\n        while True: pass\n    except BaseException: return a * 2\n", "timed out"),
    ("import os, signal\ndef f(a):\n    os.kill(os.getpid(), signal.SIGKILL)\n", "exit status 137"),
    ("import os\ndef f(a):\n    os.fork()\n    return 7\n", "returned 7"),
    ("import os\ndef f(a):\n    os.closerange(3, 4096)\n    return 7\n", "exit status"),
    ("def f(a):\n    raise type('E\\u202e\\x1b[2J', (Exception,), {})('\\x1b[31m')\n", "\\x1b"),
    ("import builtins\nbuiltins.repr = lambda v: '6'\ndef f(a):\n    return 7\n", "returned 7"),
    ("import json\njson.dumps = lambda *a, **k: '{}'\ndef f(a):\n    return 7\n", "returned 7"),
    ("def f(a):\n    def g():\n        while True: yield 1\n    return g()\n", "1, ..."),
]


@pytest.mark.parametrize(("patched", "said"), HOSTILE)
def test_hostile_code_ends_in_a_bounded_and_honest_answer(sides, call, patched, said):
    sides.bounds = sides.bounds.model_copy(update={"list_seconds": 3.0})
    result = sides.probe(BASE, patched, call("(3,)"), few=Few(neighbours=0))
    assert result.outcome is Outcome.HOLD, result
    assert said in result.findings[0].message
    assert len(result.findings[0].message) < 2000
    assert result.findings[0].message.isprintable()


def test_a_sandbox_that_did_not_live_to_tell_never_passes(sides, call):
    sides.write(BASE, BASE.replace("a * 2", "a + a"))
    planned = sides.plan(call("(3,)"))
    fine = Run(tuple(Told("returned", "int", "6") for _ in planned.calls))
    dead = Run((SILENT,) * len(planned.calls), alive=False)
    unshifted = fine._replace(shifted=False)
    answers = [
        judge(planned, [Seen("", base, patched)], {})
        for base, patched in [((dead, dead), fine), ((fine, fine), dead), ((fine,), unshifted)]
    ]
    assert [answer.outcome for answer in answers] == [Outcome.UNKNOWN] * 3
    assert [answer.cause for answer in answers] == [Cause.INFRASTRUCTURE, Cause.EVIDENCE, Cause.EVIDENCE]
    assert judge(planned, [], {}).outcome is Outcome.UNKNOWN
    assert judge(planned, [Seen("", (fine, fine), fine)], {}).outcome is Outcome.PASS


def test_nothing_changed_is_nothing_to_ask_and_what_was_changed_and_asked_nothing_is_unproven():
    assert judge(Planned((), {}), [], {}).outcome is Outcome.PASS
    result = judge(Planned((), {}, ("src/m.py",)), [], {}, Outcome.HOLD)
    assert (result.outcome, result.reason[:9], "src/m.py" in result.reason) == (Outcome.HOLD, "unproven:", True)


def test_a_call_that_is_stuck_each_time_in_one_environment_alone_holds(sides, call):
    sides.write(BASE, BASE.replace("a * 2", "a + a"))
    planned = sides.plan(call("(3,)"), few=Few(neighbours=0))
    fine, late = Run((Told("returned", "int", "6"),)), Run((Told("timed out"),))
    fine, late = (run._replace(told=run.told * len(planned.calls)) for run in (fine, late))

    def outcome(*patched, base=(fine, fine)):
        row = [Seen("a long row", base, run, 2) for run in patched]
        return judge(planned, [Seen("", (fine, fine), fine, 0), Seen("another clock", (fine, fine), fine, 1), *row], {}).outcome

    assert outcome(late, late) is Outcome.HOLD
    assert outcome(late, fine) is Outcome.PASS  # the machine may have been slow
    assert outcome(late) is Outcome.PASS
    assert outcome(late, late, base=(fine, late)) is Outcome.UNKNOWN  # nor is the base in time


OVERDUE = {
    "a list that hung": (Run((Told("hung"),)), True),
    "what came after it": (Run((SILENT,)), True),
    "hardly repeated": (Run((Told("returned", "int", "6"),), times=(1,)), True),
    "repeated less": (Run((Told("returned", "int", "6"),), times=(100,)), False),
}


@pytest.mark.parametrize(("run", "is_slow"), list(OVERDUE.values()), ids=list(OVERDUE))
def test_an_environment_that_says_nothing_for_slowness_is_unproven(sides, call, run, is_slow):
    sides.write(BASE, BASE.replace("a * 2", "a + a"))
    planned = sides.plan(call("(3,)"), few=Few(neighbours=0))
    planned = planned._replace(calls=planned.calls[:1])
    fine = Run((Told("returned", "int", "6"),), times=(5000,))
    result = judge(planned, [Seen("", (fine, fine), fine, 0), *[Seen("a long row", (fine, fine), run, 1)] * 2], {})
    assert (result.outcome, bool(result.findings)) == ((Outcome.WARN, True) if is_slow else (Outcome.PASS, False)), result
    assert judge(planned, [Seen("", (fine, fine), fine, 0), Seen("", (fine, fine), run, 0)], {}).outcome is Outcome.PASS


RETYPED = {
    "whole numbers": ("def f(a):\n    return a * 2\n", "def f(a):\n    return a * 2 if type(a) is float else 0\n", "(3.0,)"),
    "a number between": ("def f(a: float):\n    return a * 2\n", "def f(a: float):\n    return round(a) * 2\n", "(3,)"),
    "a tuple": ("def f(a):\n    return len(a)\n", "def f(a):\n    return len(a) if type(a) is list else 0\n", "([1, 2],)"),
    "by name": ("def f(a):\n    return a * 2\n", "def f(b):\n    return b * 2\n", "('x',)"),
}


@pytest.mark.parametrize(("base", "patched", "args"), list(RETYPED.values()), ids=list(RETYPED))
def test_equal_values_of_another_type_and_arguments_by_name_are_tried(sides, call, base, patched, args):
    assert sides.probe(base, patched, call(args)).outcome is Outcome.HOLD


def test_a_type_that_no_test_gives_may_be_refused(sides, call):
    assert (
        sides.probe("def f(a):\n    return list(a) + [1]\n", "def f(a):\n    return a + [1]\n", call("([1, 2],)")).outcome is Outcome.PASS
    )
    assert sides.probe("def _f(a):\n    return a\n", "def _f(b):\n    return b\n", call("(1,)", name="_f")).outcome is Outcome.PASS


def test_each_value_of_a_call_has_a_neighbour_before_one_has_two(sides, call):
    base = "def f(rows, a, b):\n    return len(rows)\n"
    given = call(repr(([("x", 3, True), ("y", 4, False)], 5, 6)))
    sides.write(base, base.replace("len(rows)", "(len(rows))  or 0"))
    found = [one.args for one in sides.plan(given, few=Few(neighbours=12)).calls if one.origin == "neighbour"]
    assert any("True), ('y', 4, True)" in text for text in found), found
    assert any("('x', 3, False)" in text for text in found), found


def test_objects_among_the_arguments_are_made_anew_and_varied(sides, call):
    base = """
        import dataclasses
        @dataclasses.dataclass(frozen=True)
        class Ship:
            length: float
            name: str = "x"
        def fee(ships, key):
            return sum(key(ship.name) * ship.length for ship in ships)
    """
    ship = ("\0made", "m:Ship", ((), {"length": 3.0, "name": "ab"}))
    given = call(repr(([ship], ("\0named", "builtins:len"))), name="fee")
    result = sides.probe(base, base.replace("* ship.length", "* ship.length + 0"), given)
    assert (result.outcome, result.measured > 1) == (Outcome.PASS, True)  # its neighbours, too
    result = sides.probe(base, base.replace("* ship.length", "* abs(ship.length - 1)"), given)
    assert result.outcome is Outcome.HOLD
    assert result.findings[0].message == (
        "m.fee([Ship(length=3.0, name='ab')], len): on the base returned 6.0 (float); with the change returned 4.0 (float)"
    )


def test_an_object_that_cannot_be_made_any_more_is_a_difference(sides, call):
    base = "class Own:\n    def __init__(self, size): self.size = size\ndef f(own): return own.size\n"
    given = call(repr((("\0made", "m:Own", ((4,), {})),)))
    result = sides.probe(base, base.replace("self, size)", "self, size, more)").replace("return own.size", "return own.size or 0"), given)
    assert result.outcome is Outcome.HOLD
    assert any("m.f(Own(4)): on the base returned 4 (int); with the change not callable" in found.message for found in result.findings)
