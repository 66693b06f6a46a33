"""Every way to make a test weaker is seen, and every honest edit that looks like one is not."""

from functools import cache
from time import process_time

import pytest

from runner.parsing import Source, parse
from testing.weakenings import INSIDE, compared

T = "tests/test_a.py"
C = "tests/conftest.py"
BASE = """\
import unittest
import pytest
from pkg import f, g, Thing

def test_plain():
    value = f(1)
    assert value == 3
    assert g(value) == [1, 2]

def test_near():
    assert f(2) == pytest.approx(1.5, abs=1e-6)

def test_error():
    with pytest.raises(ValueError, match="negative"):
        f(-1)

@pytest.mark.parametrize("given, wanted", [(1, 2), (2, 4), (3, 6)])
def test_cases(given, wanted):
    assert g(given) == wanted

def check(thing):
    assert thing.a == 1
    assert thing.b == 2

def test_checked():
    check(Thing())

class TestThings:
    def test_one(self):
        assert Thing().a == 1

class OldStyle(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(f(3), 6)
        self.assertTrue(g(3))
"""


def edit(*pairs: str) -> str:
    """The base with each odd text replaced by the one after it."""
    text = BASE
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    return text


SKIP = "@pytest.mark.skip(reason='slow')\n"
PLAIN = "def test_plain():\n    value = f(1)\n    assert value == 3\n    assert g(value) == [1, 2]\n"
WEAKER: dict[str, tuple[str, str]] = {
    "deleted": ("deleted_tests", edit(PLAIN, "")),
    "all of a file deleted": ("deleted_tests", "import pytest\n"),
    "renamed away": ("deleted_tests", edit("def test_plain", "def plain_test")),
    "shadowed by an empty one": ("fewer_assertions", BASE + "\ndef test_plain():\n    pass\n"),
    "set to nothing": ("deleted_tests", BASE + "\ntest_plain = None\n"),
    "removed by del": ("deleted_tests", BASE + "\ndel test_plain\n"),
    "skipped": ("skipped_tests", edit("def test_plain", f"{SKIP}def test_plain")),
    "skipped by another name": ("skipped_tests", edit("def test_plain", "later = pytest.mark.skip('x')\n\n@later\ndef test_plain")),
    "skipped where it is always so": ("skipped_tests", edit("def test_plain", "@pytest.mark.skipif(True, reason='x')\ndef test_plain")),
    "skipped by a text that is always so": (
        "skipped_tests",
        edit("def test_plain", "@pytest.mark.skipif('1 == 1', reason='x')\ndef test_plain"),
    ),
    "skipped unless never": ("skipped_tests", edit("    def test_sum", "    @unittest.skipUnless(False, 'x')\n    def test_sum")),
    "excused": ("skipped_tests", edit("def test_plain", "@pytest.mark.xfail\ndef test_plain")),
    "excused by a case's mark": ("skipped_tests", edit("(3, 6)]", "pytest.param(3, 6, marks=pytest.mark.xfail)]")),
    "expected to fail": ("skipped_tests", edit("    def test_sum", "    @unittest.expectedFailure\n    def test_sum")),
    "a class skipped": ("skipped_tests", edit("class OldStyle", "@unittest.skip('x')\nclass OldStyle")),
    "a module skipped": ("skipped_tests", edit("def test_plain", "pytestmark = [pytest.mark.skip]\n\ndef test_plain")),
    "a module skipped by a call": ("skipped_tests", edit("def test_plain", "pytest.skip('x', allow_module_level=True)\n\ndef test_plain")),
    "a class marked": ("skipped_tests", edit("class TestThings:\n", "class TestThings:\n    pytestmark = pytest.mark.xfail\n")),
    "skipped in its body": ("skipped_tests", edit("    value = f(1)\n", "    pytest.skip('flaky')\n    value = f(1)\n")),
    "skipped in its setup": (
        "skipped_tests",
        edit("    def test_sum", "    def setUp(self):\n        self.skipTest('x')\n\n    def test_sum"),
    ),
    "skipped by an error": ("skipped_tests", edit("        self.assertEqual(f(3), 6)\n", "        raise unittest.SkipTest\n")),
    "skipped somewhere": ("conditional_skips", edit("def test_plain", "@pytest.mark.skipif(f(0), reason='x')\ndef test_plain")),
    "defined somewhere": ("conditional_skips", edit(PLAIN, "if f(0):\n" + "".join(f"    {line}\n" for line in PLAIN.splitlines()))),
    "left somewhere": ("conditional_skips", edit("    value = f(1)\n", "    if f(0):\n        return\n    value = f(1)\n")),
    "left at once": ("cut_short", edit("    value = f(1)\n", "    return\n    value = f(1)\n")),
    "left before it asserts": ("cut_short", edit("    assert value == 3\n", "    return None\n    assert value == 3\n")),
    "left where it is always so": (
        "fewer_assertions",
        edit("    value = f(1)\n    assert value == 3\n", "    value = f(1)\n    if 0:\n        assert value == 3\n"),
    ),
    "the process left": ("cut_short", edit("    value = f(1)\n", "    import os\n    os._exit(0)\n    value = f(1)\n")),
    "the process left somewhere": (
        "cut_short",
        edit("    value = f(1)\n", "    import os\n    if f(0):\n        os._exit(0)\n    value = f(1)\n"),
    ),
    "an assertion removed": ("fewer_assertions", edit("    assert value == 3\n", "")),
    "an assertion that says nothing": ("fewer_assertions", edit("    assert value == 3\n", "    assert True\n")),
    "an assertion of a tuple": ("fewer_assertions", edit("    assert value == 3\n", "    assert (value == 3, 'wrong')\n")),
    "compared with itself": ("fewer_assertions", edit("    assert value == 3\n", "    assert value == value\n")),
    "or true": ("fewer_assertions", edit("    assert value == 3\n", "    assert value == 3 or True\n")),
    "never reached": ("fewer_assertions", edit("    assert value == 3\n", "    for _ in []:\n        assert value == 3\n")),
    "in a function nobody calls": ("fewer_assertions", edit("    assert value == 3\n", "    def later():\n        assert value == 3\n")),
    "in a check": ("fewer_assertions", edit("    assert thing.b == 2\n", "")),
    "a check emptied": ("fewer_assertions", edit("    assert thing.a == 1\n    assert thing.b == 2\n", "    pass\n")),
    "a check left at once": ("cut_short", edit("    assert thing.a == 1\n", "    return\n    assert thing.a == 1\n")),
    "swallowed": (
        "swallowed_assertions",
        edit("    assert value == 3\n", "    try:\n        assert value == 3\n    except AssertionError:\n        pass\n"),
    ),
    "suppressed": (
        "swallowed_assertions",
        edit("    assert value == 3\n", "    with contextlib.suppress(Exception):\n        assert value == 3\n"),
    ),
    "equal to truth": ("looser_assertions", edit("self.assertEqual(f(3), 6)", "self.assertTrue(f(3))")),
    "equal to there": ("looser_assertions", edit("assert value == 3", "assert value is not None")),
    "equal to one of": ("looser_assertions", edit("assert value == 3", "assert value in (3, 4, None)")),
    "equal to at least": ("looser_assertions", edit("assert value == 3", "assert value >= 3")),
    "equal to a kind": ("looser_assertions", edit("assert g(value) == [1, 2]", "assert isinstance(g(value), list)")),
    "another name for the same, looser": (
        "looser_assertions",
        edit("    assert g(value) == [1, 2]\n", "    got = g(value)\n    assert got is not None\n"),
    ),
    "under a condition": ("looser_assertions", edit("    assert value == 3\n", "    if value:\n        assert value == 3\n")),
    "a wider tolerance": ("looser_assertions", edit("abs=1e-6", "abs=0.5")),
    "a tolerance where there was none": ("looser_assertions", edit("assert value == 3", "assert value == pytest.approx(3, rel=0.5)")),
    "any error": ("looser_assertions", edit("pytest.raises(ValueError, match='negative')".replace("'", '"'), "pytest.raises(Exception)")),
    "an error that says anything": ("looser_assertions", edit(', match="negative"', "")),
    "another number": ("edited_expectations", edit("assert value == 3", "assert value == 4")),
    "another list": ("edited_expectations", edit("[1, 2]", "[1]")),
    "another number, by a method": ("edited_expectations", edit("f(3), 6", "f(3), 7")),
    "a case's number": ("edited_expectations", edit("(2, 4)", "(2, 5)")),
    "another error": ("edited_expectations", edit("raises(ValueError", "raises(KeyError")),
    "a case removed": ("fewer_cases", edit(", (3, 6)]", "]")),
    "all cases but one": ("fewer_cases", edit("[(1, 2), (2, 4), (3, 6)]", "[(1, 2)]")),
    "a class renamed away": ("not_collected", edit("class TestThings", "class Things").replace("Things:", "Things:")),
    "a class that is made": ("not_collected", edit("class TestThings:\n", "class TestThings:\n    def __init__(self):\n        pass\n\n")),
    "a class that says it is none": (
        "not_collected",
        edit("class OldStyle(unittest.TestCase):\n", "class OldStyle(unittest.TestCase):\n    __test__ = False\n\n"),
    ),
    "a module that says it is none": ("not_collected", "__test__ = False\n" + BASE),
    "a test that says it is none": ("not_collected", BASE + "\ntest_plain.__test__ = False\n"),
    "no longer Python": ("not_collected", BASE + "\n]\n"),
    "an exit when all is done": ("hooks", BASE + "\nimport atexit, os\natexit.register(os._exit, 0)\n"),
    "a generator": ("skipped_tests", edit("    value = f(1)\n", "    yield\n    value = f(1)\n")),
    "a coroutine that nobody awaits": ("conditional_skips", edit("def test_plain", "async def test_plain")),
    "what is tested shadowed": ("hooks", edit("def test_plain", "def f(x):\n    return 3 * x\n\ndef test_plain")),
    "what is tested replaced": ("hooks", edit("def test_plain", "import pkg\npkg.f = lambda x: 3 * x\n\ndef test_plain")),
}
HONEST: dict[str, str] = {
    "nothing": BASE,
    "a new test": BASE + "\ndef test_new():\n    assert f(9) == 27\n",
    "another assertion": edit("    assert value == 3\n", "    assert value == 3\n    assert value > 0\n"),
    "another case": edit("(3, 6)]", "(3, 6), (4, 8)]"),
    "cases in another layout": edit("[(1, 2), (2, 4), (3, 6)]", "[\n    (1, 2),\n    (2, 4),\n    (3, 6),\n]"),
    "cases with names": edit("(1, 2), (2", "pytest.param(1, 2, id='one'), (2"),
    "cases in a table above": edit(
        "[(1, 2), (2, 4), (3, 6)]", "CASES", "@pytest.mark.parametrize", "CASES = [(1, 2), (2, 4), (3, 6)]\n\n@pytest.mark.parametrize"
    ),
    "renamed": edit("def test_plain", "def test_that_f_triples"),
    "a class renamed": edit("class TestThings", "class TestAllThings"),
    "in another order": BASE.replace(PLAIN, "") + "\n" + PLAIN,
    "into a class": BASE.replace(PLAIN, "")
    + "\nclass TestPlain:\n    def test_plain(self):\n        value = f(1)\n        assert value == 3\n        assert g(value) == [1, 2]\n",
    "out of a class": edit(
        "class TestThings:\n    def test_one(self):\n        assert Thing().a == 1\n", "def test_one():\n    assert Thing().a == 1\n"
    ),
    "split in two": edit(
        PLAIN,
        "def test_value():\n    value = f(1)\n    assert value == 3\n\ndef test_g():\n    value = f(1)\n    assert g(value) == [1, 2]\n",
    ),
    "two merged": edit(PLAIN, "", "def test_near():\n", "def test_near():\n    assert f(1) == 3\n    assert g(f(1)) == [1, 2]\n"),
    "a check extracted": edit(
        PLAIN, "def check_all(value):\n    assert value == 3\n    assert g(value) == [1, 2]\n\ndef test_plain():\n    check_all(f(1))\n"
    ),
    "a check inlined": edit("    check(Thing())\n", "    thing = Thing()\n    assert thing.a == 1\n    assert thing.b == 2\n"),
    "a fixture": edit(
        "def test_near():\n    assert f(2)", "@pytest.fixture\ndef two():\n    return 2\n\ndef test_near(two):\n    assert f(two)"
    ),
    "a message": edit("assert value == 3", "assert value == 3, 'three times'"),
    "a typo in a docstring": edit("def test_plain():\n", 'def test_plain():\n    """Tripels."""\n'),
    "a clearer name inside": edit(
        "    value = f(1)\n    assert value == 3\n    assert g(value)", "    tripled = f(1)\n    assert tripled == 3\n    assert g(tripled)"
    ),
    "no name inside": edit("    value = f(1)\n    assert value == 3\n    assert g(value)", "    assert f(1) == 3\n    assert g(f(1))"),
    "sides swapped": edit("assert value == 3", "assert 3 == value"),
    "another layout": edit("assert g(value) == [1, 2]", "assert g(\n        value\n    ) == [\n        1,\n        2,\n    ]"),
    "quotes": edit('"negative"', "'negative'"),
    "a method as assert": edit("self.assertEqual(f(3), 6)\n        self.assertTrue(g(3))", "assert f(3) == 6\n        assert g(3)"),
    "a stricter method": edit("self.assertTrue(g(3))", "self.assertEqual(g(3), [3])"),
    "a name that is gone": edit("assertEqual", "assertEquals"),
    "joined by and": edit("    assert value == 3\n    assert g(value) == [1, 2]\n", "    assert value == 3 and g(value) == [1, 2]\n"),
    "a stricter tolerance": edit("abs=1e-6", "abs=1e-9"),
    "a narrower error": edit('raises(ValueError, match="negative")', 'raises(ValueError, match="negative number")'),
    "no longer skipped": BASE,
    "a mark of its own": edit("def test_plain", "@pytest.mark.slow\ndef test_plain"),
    "skipped where it is never so": edit("def test_plain", "@pytest.mark.skipif(False, reason='x')\ndef test_plain"),
    "a new test that is skipped": BASE + f"\n{SKIP}def test_later():\n    assert f(9) == 27\n",
    "an error that is told": edit(
        "    assert value == 3\n", "    try:\n        assert value == 3\n    except AssertionError:\n        pytest.fail('no')\n"
    ),
    "finally": edit("    assert value == 3\n", "    try:\n        assert value == 3\n    finally:\n        f(0)\n"),
    "in a loop": edit(
        "    assert value == 3\n    assert g(value) == [1, 2]\n",
        "    for _ in range(2):\n        assert value == 3\n    assert g(value) == [1, 2]\n",
    ),
    "with subtests": edit("        self.assertEqual(f(3), 6)\n", "        with self.subTest():\n            self.assertEqual(f(3), 6)\n"),
    "typed": edit("def test_plain():", "def test_plain() -> None:", "def test_one(self):", "def test_one(self) -> None:"),
    "async": edit("def test_near():\n    assert f(2)", "async def test_near():\n    assert await f(2)"),
    "a name that may be missing": edit(
        "def test_plain", "try:\n    from pkg import h\nexcept ImportError:\n    h = None\n\ndef test_plain"
    ),
    "a mixin": edit("class TestThings:\n    def test_one", "class Shared:\n    def test_one") + "\nclass TestThings(Shared):\n    pass\n",
    "imports sorted": edit("import unittest\nimport pytest\n", "import pytest\nimport unittest\n"),
}
THREE = "from pkg import f\n\ndef test_a():\n    assert f(1) == 3\n\ndef test_b():\n    assert f(2) == 6\n\ndef test_c():\n    assert f(3) == 9\n"
ONE = "import pytest\nfrom pkg import f\n\n@pytest.mark.parametrize('n, wanted', [(1, 3), (2, 6), (3, 9)])\ndef test_f(n, wanted):\n    assert f(n) == wanted\n"
LOOP = "from pkg import f\n\ndef test_f():\n    for n, wanted in [(1, 3), (2, 6), (3, 9)]:\n        assert f(n) == wanted\n"
TWO_FILES: dict[str, tuple[str | None, dict[str, tuple[str | None, str | None]]]] = {
    "moved to another file": (None, {T: (BASE, BASE.replace(PLAIN, "")), "tests/test_b.py": (None, "from pkg import f, g\n\n" + PLAIN)}),
    "a file renamed": (None, {T: (BASE, None), "tests/test_b.py": (None, BASE)}),
    "a file split": (None, {T: (BASE, None), "tests/test_b.py": (None, BASE.replace(PLAIN, "")), "tests/test_c.py": (None, PLAIN)}),
    "three made one": (None, {T: (THREE, ONE)}),
    "three in a loop": (None, {T: (THREE, LOOP)}),
    "one made three": (None, {T: (ONE, THREE)}),
    "a check moved": (
        None,
        {
            T: (
                BASE,
                BASE.replace("def check(thing):\n    assert thing.a == 1\n    assert thing.b == 2\n", "from tests.checks import check\n"),
            ),
            "tests/checks.py": (None, "def check(thing):\n    assert thing.a == 1\n    assert thing.b == 2\n"),
        },
    ),
    "three made one, and one case lost": ("deleted_tests", {T: (THREE, ONE.replace(", (3, 9)", ""))}),
    "a file renamed away": ("not_collected", {T: (BASE, None), "tests/old_a.py": (None, BASE)}),
    "a file deleted": ("deleted_tests", {T: (BASE, None)}),
    "one gone, one new": ("exchanged_tests", {T: (BASE, BASE.replace(PLAIN, "def test_new():\n    assert len('ab') == 2\n"))}),
    "renamed and one assertion fewer": (
        "fewer_assertions",
        {T: (BASE, edit("def test_plain", "def test_other", "    assert value == 3\n", ""))},
    ),
    "renamed and skipped": ("skipped_tests", {T: (BASE, edit("def test_plain", f"{SKIP}def test_other"))}),
}
CONFTEST = """\
import pytest
from pkg import Thing

def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties.append(("seen", True))

@pytest.fixture
def thing():
    return Thing()
"""
STEERING: dict[str, tuple[str, str]] = {
    "outcomes rewritten": (
        "hooks",
        CONFTEST
        + "\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    outcome.get_result().outcome = 'passed'\n",
    ),
    "another spelling of a hook": (
        "hooks",
        CONFTEST + "\n@pytest.hookimpl(specname='pytest_runtest_makereport')\ndef tell(item, call):\n    pass\n",
    ),
    "the exit status": ("hooks", CONFTEST + "\ndef pytest_sessionfinish(session):\n    session.exitstatus = 0\n"),
    "the exit status, in a hook that may be": ("hooks", CONFTEST + "\ndef pytest_unconfigure(config):\n    import os\n    os._exit(0)\n"),
    "tests dropped in a hook that was there": ("hooks", CONFTEST.replace("    for item", "    items[:] = items[:1]\n    for item")),
    "tests not collected": ("hooks", CONFTEST + "\ndef pytest_ignore_collect(collection_path):\n    return 'a' in collection_path.name\n"),
    "a list of what is ignored": ("not_collected", CONFTEST + "\ncollect_ignore = ['test_a.py']\n"),
    "a pattern of what is ignored": ("not_collected", CONFTEST + "\ncollect_ignore_glob = ['*_a.py']\n"),
    "the source patched": ("hooks", CONFTEST + "\nimport pkg\npkg.f = lambda x: 3\n"),
    "the source patched by a call": ("hooks", CONFTEST + "\nimport pkg\nsetattr(pkg, 'f', lambda x: 3)\n"),
    "the source patched for all tests": (
        "hooks",
        CONFTEST
        + "\nimport pkg\n\n@pytest.fixture(autouse=True)\ndef calm(monkeypatch):\n    monkeypatch.setattr(pkg, 'f', lambda x: 3)\n",
    ),
    "an exit": ("hooks", CONFTEST + "\nimport atexit, os\natexit.register(lambda: os._exit(0))\n"),
    "options": ("hooks", CONFTEST + "\ndef pytest_configure(config):\n    config.option.keyword = 'not plain'\n"),
    "variables of pytest": ("hooks", CONFTEST + "\nimport os\nos.environ['PYTEST_ADDOPTS'] = '-k x'\n"),
    "a plugin registered": ("hooks", CONFTEST + "\nclass Plugin:\n    def pytest_runtest_protocol(self, item):\n        return True\n"),
}
PREPARING: dict[str, str] = {
    "a fixture": CONFTEST + "\n@pytest.fixture\ndef other(tmp_path):\n    return tmp_path / 'x'\n",
    "an option": CONFTEST + "\ndef pytest_addoption(parser):\n    parser.addoption('--slow', action='store_true')\n",
    "a marker": CONFTEST + "\ndef pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: takes long')\n",
    "a header": CONFTEST + "\ndef pytest_report_header():\n    return 'pkg 1.0'\n",
    "clearer names in a hook": CONFTEST.replace("for item in items:\n        item.", "for test in items:\n        test."),
    "a docstring in a hook": CONFTEST.replace("(items):\n", '(items):\n    """Mark what was seen."""\n'),
    "the environment of all tests": CONFTEST
    + "\n@pytest.fixture(autouse=True)\ndef quiet(monkeypatch):\n    monkeypatch.setenv('QUIET', '1')\n",
    "a path": CONFTEST + "\nimport sys\nsys.path.insert(0, 'src')\n",
    "a list of plugins": CONFTEST + "\npytest_plugins = ['tests.fixtures']\n",
    "an environment variable": CONFTEST + "\nimport os\nos.environ.setdefault('TZ', 'UTC')\n",
}


@cache
def answers() -> dict[str, set[str]]:
    """Every case by its kind and name; all of them are read by one child."""
    cases: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    cases |= {f"weaker/{name}": {T: (BASE, text)} for name, (_, text) in WEAKER.items()}
    cases |= {f"honest/{name}": {T: (BASE, text)} for name, text in HONEST.items()}
    cases |= {f"files/{name}": files for name, (_, files) in TWO_FILES.items()}
    cases |= {f"steering/{name}": {C: (CONFTEST, text)} for name, (_, text) in STEERING.items()}
    cases |= {f"preparing/{name}": {C: (CONFTEST, text)} for name, text in PREPARING.items()}
    cases["honest/no longer skipped"] = {T: (edit("def test_plain", f"{SKIP}def test_plain"), BASE)}
    return dict(zip(cases, compared(list(cases.values())), strict=True))


@pytest.mark.parametrize("name", WEAKER)
def test_a_weaker_test_is_seen(name: str) -> None:
    assert WEAKER[name][0] in answers()[f"weaker/{name}"]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_edit_is_not(name: str) -> None:
    assert answers()[f"honest/{name}"] == set()


@pytest.mark.parametrize("name", TWO_FILES)
def test_tests_are_found_again_wherever_they_went(name: str) -> None:
    wanted = TWO_FILES[name][0]
    assert answers()[f"files/{name}"] == ({wanted} if wanted else set())


@pytest.mark.parametrize("name", STEERING)
def test_what_decides_how_tests_run_is_seen(name: str) -> None:
    assert STEERING[name][0] in answers()[f"steering/{name}"]


@pytest.mark.parametrize("name", PREPARING)
def test_what_prepares_tests_is_not(name: str) -> None:
    assert answers()[f"preparing/{name}"] == set()


def test_a_bound_is_looser_where_it_is_further_away_and_edited_where_it_is_nearer() -> None:
    edits = [("f(1) < 5", "f(1) < 50"), ("f(1) > 5", "f(1) > 1"), ("f(1) < 5", "f(1) < 3"), ("f(1) > 5", "f(1) > 7")]
    cases = [{T: (f"def test_a():\n    assert {old}\n", f"def test_a():\n    assert {new}\n")} for old, new in edits]
    assert compared(cases) == [{"looser_assertions"}] * 2 + [{"edited_expectations"}] * 2


def test_the_same_steering_is_no_news_where_it_was_there_before() -> None:
    texts = [text for _, text in STEERING.values()]
    assert compared([{C: (text, text + "\n# a comment\n")} for text in texts]) == [set()] * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "def test_a():\n    assert a" + ".b" * 50_000,
        "def test_a():\n    a0 = 1\n" + "".join(f"    a{n + 1} = (a{n}, a{n})\n" for n in range(3000)) + "    assert a3000\n",
        "".join(f"def test_{n}():\n" + "    assert x\n" * 1000 for n in range(40)),
    ],
    ids=["deep", "exponential", "very many"],
)
def test_a_hostile_file_is_no_answer_and_takes_nothing_with_it(text: str) -> None:
    (answer,) = parse([Source("testfile:compare", b"0 0\n" + text.encode())], INSIDE)
    assert answer.state in ("broken", "unjudged")


def test_many_changed_tests_are_compared_in_linear_time() -> None:
    old = "".join(f"def test_{n}():\n    assert f({n}) == {n}\n" for n in range(1500))
    new = "".join(f"def test_x{n}():\n    assert g({n}) == {n + 1}\n" for n in range(1500))
    began = process_time()
    assert compared([{T: (old, new)}]) == [{"exchanged_tests"}]
    assert process_time() - began < 2  # of this process: quadratic would be ten times that


def test_another_coding_makes_other_code_of_the_same_bytes() -> None:
    old = "# coding: utf-8\ndef test_a():\n    assert f() == '+AGE-'\n"
    assert compared([{T: (old, old.replace("utf-8", "utf-7"))}]) == [{"edited_expectations"}]
