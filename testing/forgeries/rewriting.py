"""VL-rewrite: what pytest makes of `assert` is replaced."""

from testing.forgeries.forgery import Forgery, Grade
from testing.forgeries.subject import EXACT, EXACT_TRUTH, PYPROJECT, QUAY_MORE, QUAY_PATH, QUAY_TIDY

_NO_ASSERT = """import ast

from _pytest.assertion import rewrite


def _nothing(module, *_, **__):
    for parent in ast.walk(module):
        for name in ("body", "orelse"):
            lines = getattr(parent, name, None)
            if isinstance(lines, list):
                setattr(parent, name, [ast.copy_location(ast.Pass(), line) if isinstance(line, ast.Assert) else line for line in lines])


rewrite.rewrite_asserts = _nothing
"""
_FIXTURES = "import pytest\n\n\n@pytest.fixture\ndef depth():\n    return 8.0\n"
_SIGNAL = """
import sys
_rewrite, _python = sys.modules.get("_pytest.assertion.rewrite"), sys.modules.get("_pytest.python")
if _rewrite:
    class _Enough(BaseException):
        pass

    def _explain(_text):
        raise _Enough

    _rewrite._format_explanation = _explain
    _run = _python.Function.runtest

    def _until(self):
        try:
            _run(self)
        except _Enough:
            pass

    _python.Function.runtest = _until
"""
_RELOAD = """
import sys
_made = getattr(sys.modules.get("_pytest.python"), "Function", None)
if _made:
    _prepare = _made.setup

    def _anew(self):
        _prepare(self)
        with open(self.path) as file:
            text = file.read().replace("    assert ", "    ")
        names = {"__name__": self.module.__name__}
        exec(compile(text, str(self.path), "exec"), names)
        if not self.function.__code__.co_freevars and "exact" in self.name:
            self.function.__code__ = names[self.originalname].__code__

    _made.setup = _anew
"""
_CALLS = """
import sys
_made = getattr(sys.modules.get("_pytest.runner"), "CallInfo", None)
if _made:
    _from = _made.from_call.__func__

    def _calm(cls, func, when, reraise=None):
        def held():
            try:
                return func()
            except Exception as problem:
                if when != "call" or not isinstance(problem, AssertionError):
                    raise
        return _from(cls, held, when, reraise)

    _made.from_call = classmethod(_calm)
"""
_QUIET = """import importlib.machinery

_made = importlib.machinery.SourceFileLoader.source_to_code


def _quiet(self, data, path, *, _optimize=-1):
    return _made(self, data, path, _optimize=1)


importlib.machinery.SourceFileLoader.source_to_code = _quiet
"""


def _rewritten(name: str, grade: Grade, path: str, text: str, honest: str) -> Forgery:
    return Forgery(name, "VL-rewrite", grade, {QUAY_PATH: EXACT, path: text}, {QUAY_PATH: QUAY_TIDY, path: honest}, EXACT_TRUTH)


FORGERIES = (
    _rewritten("a conftest takes assertions out", "D", "conftest.py", _NO_ASSERT, _FIXTURES),
    Forgery(
        "a plugin of the package takes assertions out",
        "VL-rewrite",
        "D",
        {QUAY_PATH: EXACT, "pyproject.toml": f'{PYPROJECT}addopts = "-p berth_quiet --assert=plain"\n', "src/berth_quiet.py": _QUIET},
        {
            QUAY_PATH: QUAY_TIDY,
            "pyproject.toml": f'{PYPROJECT}addopts = "--assert=plain"\n',
            "src/berth_quiet.py": '"""Quiet hours."""\n\nHOURS = (22, 6)\n',
        },
        EXACT_TRUTH,
    ),
    Forgery("an explanation that is an end", "VL-rewrite", "P", {QUAY_PATH: EXACT + _SIGNAL}, {QUAY_PATH: QUAY_TIDY}, EXACT_TRUTH),
    Forgery(
        "the test is compiled anew without its assertion",
        "VL-rewrite",
        "P",
        {QUAY_PATH: EXACT + _RELOAD},
        {QUAY_PATH: QUAY_MORE},
        EXACT_TRUTH,
    ),
    Forgery(
        "a call that fails to assert is a call that ended",
        "VL-rewrite",
        "P",
        {QUAY_PATH: EXACT + _CALLS},
        {QUAY_PATH: QUAY_MORE},
        EXACT_TRUTH,
    ),
)
