"""What a file of tests does to how tests run: hooks, exits, patches, lists of what is left out; runs in the child of `runner.parsing`."""

import ast
import sys
from itertools import chain

from spelling import FUNCTIONS, digest, meaning

_PLAIN_HOOKS = {
    "pytest_addoption", "pytest_configure", "pytest_make_parametrize_id", "pytest_report_header", "pytest_report_collectionfinish",
    "pytest_assertrepr_compare", "pytest_markeval_namespace", "pytest_html_report_title", "pytest_terminal_summary",
    "pytest_enter_pdb", "pytest_leave_pdb", "pytest_unconfigure", "pytest_sessionstart", "pytest_internalerror",
}  # fmt: skip
"""Hooks that print, name or prepare; what they do is looked at all the same."""
_HARD = {"os._exit", "os.abort", "os.kill", "sys.exit", "exit", "quit", "atexit.register", "pytest.exit", "pytest.main", "signal.signal",
         "threading.Timer", "os.register_at_fork", "gc.collect_hooks"}  # fmt: skip
_EVERYWHERE = {"os._exit", "os.abort", "atexit.register", "pytest.exit"}
_OUTCOME = {
    "exitstatus",
    "outcome",
    "longrepr",
    "shouldfail",
    "shouldstop",
    "testsfailed",
    "testscollected",
    "wasxfail",
    "excinfo",
    "items",
    "passed",
    "failed",
}
_STATE = {"sys.modules", "sys.stdout", "sys.stderr", "sys.meta_path", "sys.path_hooks", "sys.excepthook", "sys.exit", "os._exit"}
_LISTS = {"collect_ignore", "collect_ignore_glob", "pytest_plugins"}


class Deeds:
    """Hooks by name with what they do, deeds as `[kind, line, digest]`, and lists by name."""

    def __init__(self, tree, names, *, configures):
        self.names, self.hooks, self.found, self.lists = names, {}, [], {}
        self.configures = configures
        self.known = {value.lstrip(".").partition(".")[0] for value in names.names.values()}
        for node in tree.body:
            self.top(node)
            if self.shadows(node):
                self.add("patch", node)

    def top(self, node):
        kind = type(node)
        if kind in FUNCTIONS:
            self.defined(node, "")
        elif kind is ast.ClassDef:
            for part in node.body:
                if type(part) in FUNCTIONS:
                    self.defined(part, f"{node.name}.")
        elif kind in (ast.If, ast.Try, ast.With, ast.For):
            bodies = [getattr(node, part, ()) for part in ("body", "orelse", "finalbody")]
            for inner in chain(*bodies, *(handler.body for handler in getattr(node, "handlers", ()))):
                self.top(inner)
        else:
            self.listed(node)
            self.within(node, acts=True)

    def shadows(self, node):
        """Whether a statement at the top gives another meaning to a name that the file imports from what is tested."""
        targets = node.targets if type(node) is ast.Assign else [node]
        bound = {getattr(target, "id", getattr(target, "name", None)) for target in targets}
        told = [part for part in ast.walk(node) if type(part) is ast.Name and type(part.ctx) is ast.Load and part.id in bound]
        return not told and any(name in self.names.names and self.is_foreign(self.names.names[name]) for name in bound if name)

    def defined(self, node, front):
        """A function: a hook by its name, or a fixture; in a class, a plugin may have hooks."""
        name = self.hook(node)
        if name and name not in _PLAIN_HOOKS:
            self.hooks[front + name] = [node.lineno, meaning(node)]
        self.within(node, acts=bool(name) or self.runs_always(node))

    def hook(self, node):
        """The name of the hook that a function of a conftest is, empty for any other function."""
        if not self.configures:
            return ""
        for mark in node.decorator_list:
            for word in getattr(mark, "keywords", ()):
                if word.arg == "specname" and type(word.value) is ast.Constant:
                    return str(word.value.value)[:60]
        return node.name if node.name.startswith("pytest_") else ""

    def runs_always(self, node):
        """Whether a fixture runs for tests that do not ask for it."""
        return self.configures and any(
            word.arg == "autouse" and getattr(word.value, "value", False)
            for mark in node.decorator_list
            for word in getattr(mark, "keywords", ())
        )

    def listed(self, node):
        targets = node.targets if type(node) is ast.Assign else [getattr(node, "target", None)]
        names = {getattr(target, "id", "") for target in targets} & _LISTS
        call = node.value if type(node) is ast.Expr and type(node.value) is ast.Call else None
        if call and type(call.func) is ast.Attribute and getattr(call.func.value, "id", "") in _LISTS:
            names = {call.func.value.id}
        for name in names:
            value = call or getattr(node, "value", None)
            parts = [part for part in ast.walk(value) if type(part) is ast.Constant] if value is not None else []
            self.lists.setdefault(name, []).extend([digest(repr(part.value)), node.lineno] for part in parts)

    def within(self, node, *, acts):
        """The deeds of a statement; `acts` where it runs for every test."""
        for part in ast.walk(node):
            kind = type(part)
            if kind is ast.Call and (deed := self.called(part, acts=acts)):
                self.add(deed, part)
            elif kind in (ast.Assign, ast.AugAssign, ast.AnnAssign) and acts:
                for target in part.targets if kind is ast.Assign else [part.target]:
                    self.assigned(target, part)

    def called(self, call, *, acts):
        """What a call does to how tests run; empty for any other."""
        name = self.names.of(call.func)
        if name in _EVERYWHERE or (name in _HARD and acts and self.configures):
            return "exit"
        foreign = bool(acts and call.args and self.is_foreign(self.names.of(call.args[0])))
        if name in ("setattr", "builtins.setattr") and foreign:
            return "patch"
        if not (acts and self.configures and call.args):
            return ""
        if name.endswith("add_marker") and any("skip" in word or "xfail" in word for word in self.words(call)):
            return "mark"
        named = foreign or type(call.args[0]) is ast.Constant
        return "patch" if named and name.endswith((".setattr", "patch.object", "mock.patch", ".patch")) else ""

    @staticmethod
    def words(node):
        return [str(getattr(part, "attr", getattr(part, "id", getattr(part, "value", "")))) for part in ast.walk(node)]

    def assigned(self, target, node):
        if type(target) is ast.Subscript:
            name = self.names.of(target.value)
            key = getattr(target.slice, "value", "")
            if name == "sys.modules" or (name == "os.environ" and str(key).startswith("PYTEST")) or (self.configures and name == "items"):
                self.add("patch", node)
        elif type(target) is ast.Attribute:
            name = self.names.of(target)
            if self.configures and target.attr in _OUTCOME and not name.startswith("self."):
                self.add("outcome", node)
            elif name in _STATE or self.is_foreign(self.names.of(target.value)):
                self.add("patch", node)
            elif self.configures and name.startswith("config."):
                self.add("option", node)

    def is_foreign(self, name):
        """Whether a dotted name starts at a module that was imported and is not of the standard library."""
        top = name.lstrip(".").partition(".")[0]
        return bool(top) and top in self.known and (top not in sys.stdlib_module_names or top in ("unittest", "builtins"))

    def add(self, kind, node):
        if len(self.found) < 100:
            self.found.append([kind, node.lineno, digest(ast.dump(node))])
