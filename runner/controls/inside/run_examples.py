"""Runs the examples of docstrings as the interactive interpreter does, those of one docstring in one namespace.

A text for the sandbox's own Python (3.8 or newer, standard library only), executed by probe_calls.py, which gives it `show` and
`Alarm`. It does without `doctest`, which brings a test runner along.
"""

import __future__

import sys

_modules, _displayhook = sys.modules, sys.__displayhook__
FEATURES = [getattr(__future__, name) for name in __future__.all_feature_names]


class Examples:
    """One example after the other; a docstring's namespace begins as a copy of its module's."""

    def __init__(self):
        self._docstring, self._names, self._flags = None, {}, 0

    def __call__(self, item):
        if item["docstring"] != self._docstring:
            self._docstring, self._names = item["docstring"], dict(vars(_modules[item["module"]]))
            self._names["__name__"] = "__main__"
            self._flags = sum(each.compiler_flag for each in FEATURES if self._names.get(each_name(each)) is each)
        hook = sys.displayhook
        sys.displayhook = _displayhook
        try:
            exec(compile(item["source"], "<example>", "single", self._flags, True), self._names)
        except Alarm:  # noqa: F821  given
            raise
        except BaseException as problem:
            kind = type.__dict__["__qualname__"].__get__(type(problem))
            return {"kind": "raised", "type": kind, "text": show.said(problem)}  # noqa: F821  given
        finally:
            sys.displayhook = hook
        return {"kind": "returned", "type": "", "text": ""}


def each_name(feature):
    """The name under which a feature stands in `__future__`."""
    return next(name for name in __future__.all_feature_names if getattr(__future__, name) is feature)
