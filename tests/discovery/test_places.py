"""Where tests are found."""

import pytest

from runner.discovery.places import PATTERNS, find_places

TEST = "def test_a():\n    pass\n"
CASE = "import unittest\nclass Checks(unittest.TestCase):\n    def test_a(self):\n        pass\n"


@pytest.mark.parametrize(
    ("files", "args"),
    [
        ({"tests/test_a.py": TEST, "pkg/a.py": ""}, ("tests",)),
        ({"test/unit/a_test.py": TEST}, ("test",)),
        ({"src/pkg/tests/test_a.py": TEST, "pkg/b/test/test_b.py": TEST}, ("pkg/b/test", "src/pkg/tests")),
        ({"tests/test_a.py": TEST, "docs/tests/test_b.py": TEST, ".x/tests/test_c.py": TEST}, ("tests",)),
        ({"test_a.py": TEST, "a.py": ""}, ("test_a.py",)),
        (
            {"tests/test_a.py": TEST, "tests/tests.py": CASE, "tests/tool.py": CASE},
            ("tests", "-o", "python_files=test_*.py *_test.py tests.py"),
        ),
        ({"tests/checks.py": CASE, "tests/data.py": "x = 1\n"}, ("tests/checks.py",)),
        ({"src/pkg/tests.py": CASE, "src/pkg/a.py": ""}, ("src/pkg/tests.py",)),
        ({"test.py": CASE, "a.py": ""}, ("test.py",)),
        ({"pkg/test_a.py": TEST, "pkg/a.py": ""}, ("pkg",)),
        ({"tests/test_a.py": TEST, "tests/sample/setup.py": "", "tests/sample/test_x.py": TEST}, ("tests", "--ignore=tests/sample")),
        ({"a.py": "", "docs/conf.py": ""}, ()),
    ],
)
def test_tests_are_where_their_names_or_contents_say(base, files, args):
    assert find_places(base(files), PATTERNS).args == args


def test_a_place_that_is_given_is_taken_with_the_modules_below_it(base):
    found = find_places(base({"checks/deep/test_a.py": TEST, "checks/conftest.py": "", "tests/test_b.py": TEST}), PATTERNS, ("checks",))
    assert (found.args, found.modules, found.beside) == (("checks",), ("checks/deep/test_a.py",), ("checks/conftest.py",))
