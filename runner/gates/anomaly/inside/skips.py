"""What keeps a test from running or from counting: marks, decorators, calls; runs in the child of `runner.parsing`."""

import ast

from spelling import dotted, truth

_CONDITIONS = {"skipif": "any", "skipIf": "any", "skipUnless": "none"}
_ALWAYS = {"skip", "xfail", "expectedFailure", "skip_test", "skipTest", "todo"}
CALLS = {
    "pytest.skip": "skip",
    "pytest.xfail": "xfail",
    "self.skipTest": "skip",
    "_pytest.outcomes.skip": "skip",
    "_pytest.outcomes.xfail": "xfail",
}
ERRORS = {"unittest.SkipTest", "SkipTest", "pytest.skip.Exception", "unittest.case.SkipTest"}
MAY_SKIP = {"pytest.importorskip"}


class Names:
    """What the names of a module stand for: imports, and plain assignments at its top."""

    def __init__(self):
        self.names, self.values = {}, {}

    def imports(self, node):
        if type(node) is ast.Import:
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self.names[alias.asname or top] = alias.name if alias.asname else top
        else:
            for alias in node.names:
                self.names[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"

    def of(self, node):
        """The dotted name of an expression, empty when it has none."""
        return dotted(node, self.names)

    def value(self, node, depth=0):
        """What a name was plainly assigned at the top of the module, else the expression itself."""
        if type(node) is ast.Name and node.id in self.values and depth < 5:
            return self.value(self.values[node.id], depth + 1)
        return node


def skip_of(node, names, depth=0):
    """`(kind, always)` when a mark or decorator skips or excuses a test, else None; a condition that never holds skips nothing."""
    node = names.value(node)
    call = node if type(node) is ast.Call else None
    name = names.of(call.func if call else node)
    last = name.rpartition(".")[2]
    if (
        call
        and not name.startswith(("pytest.mark", "unittest"))
        and type(call.func) is ast.Name
        and depth < 3
        and call.func.id in names.values
    ):
        return skip_of(names.values[call.func.id], names, depth + 1)
    if last in _CONDITIONS:
        known = _condition(call, names) if call else None
        holds = known if last != "skipUnless" or known is None else not known
        return None if holds is False else ("skip", holds is True)
    if last == "xfail" and call:
        given = call.args[:1] or [word.value for word in call.keywords if word.arg == "condition"]
        holds = _truth(given[0], names) if given else True
        return None if holds is False else ("xfail", holds is True)
    if last in _ALWAYS and (name.startswith(("pytest", "unittest", "nose")) or last in ("expectedFailure", "skip_test")):
        return ("xfail" if last in ("xfail", "expectedFailure") else "skip", True)
    if last.lower().startswith(("skip", "xfail", "skip_")) or ".skip" in name:
        return ("skip", False)
    return None


def _condition(call, names):
    given = call.args[:1] or [word.value for word in call.keywords if word.arg in ("condition", "reason_if")]
    return _truth(given[0], names) if given else None


def _truth(node, names):
    """The condition's value, where it is the same everywhere; texts are conditions that pytest evaluates."""
    node = names.value(node)
    if type(node) is ast.Constant and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError):
            return None
    return truth(node)


def marks(node, names):
    """The single marks of `pytestmark = ...`."""
    node = names.value(node)
    return [mark for one in node.elts for mark in marks(one, names)] if type(node) in (ast.List, ast.Tuple) else [node]
