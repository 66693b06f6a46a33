"""Test ids, taken apart."""

import re

_AGAIN = re.compile(r"#\d+$")


def function_of(test: str) -> str:
    """A test's function within its file, without parameters: `TestX::test_b` of `tests/test_a.py::TestX::test_b[1]#2`."""
    name = test.partition("::")[2].partition("[")[0]
    return _AGAIN.sub("", name)
