"""Finds what is decided by a clock, chance, a counter or signs of a test runner; used inside the child of `runner.parsing`."""

import ast

import sources
from following import NOTHING, Following
from spelt import FUNCTIONS

DISGUISES = ("hashlib.", "zlib.", "binascii.", "builtins.hash", "builtins.len", "builtins.repr", "builtins.ascii")


class Steering(Following):
    """One file: the decisions in it, and which of them hang on what no honest decision of a library does."""

    def __init__(self, tree, names):
        super().__init__(tree, names)
        self.fixed_nodes = {}

    def hits(self):
        """Kind and node of every decision that is steered so, outer ones first."""
        for scope in self.scopes:
            for node in scope.nodes:
                for test in decisions(node):
                    for atom in atoms(test):
                        for kind in self.steers(atom, scope):
                            yield kind, atom
                for kind, each in self.tried(node, scope):
                    yield kind, each
                if type(node) is ast.Call and type(node.func) is not ast.Attribute and "chance" in self.kinds(node.func, scope):
                    yield "chance", node.func

    def tried(self, node, scope):
        """Look-ups of what only a runner or CI sets, whose failure is caught."""
        for each in node.body if type(node) is ast.Try else ():
            for inner in ast.walk(each):
                kinds = self.kinds(inner, scope) if type(inner) is ast.Subscript else NOTHING
                if kinds & {"runner", "named"}:
                    yield "runner" if "runner" in kinds else "place", inner

    def steers(self, node, scope):
        """The kinds of tripwires that a decision is."""
        kinds = self.kinds(node, scope)
        if not kinds or self.asks_for_none(node, kinds):
            return
        if kinds & {"runner"} or self.tells_tests(node, kinds, scope):
            yield "runner"
        if "place" in kinds and self.fixed(node, scope):
            yield "place"
        if "chance" in kinds and not self.drawn_again(node, scope):
            yield "chance"
        if "clock" in kinds and ("tick" in kinds or not is_plain(node)) and self.fixed(node, scope):
            yield "clock"
        if ("count" in kinds and self.fixed(node, scope)) or ("home" in kinds and self.remembers(scope) and "environ" not in kinds):
            yield "count"

    def remembers(self, scope):
        """Whether a function writes below a home, or the module does when it is imported."""
        return scope in self.writers or self.module in self.writers

    @staticmethod
    def asks_for_none(node, kinds):
        """Whether a value is only compared with None, or is a setting: a variable of the environment may honestly be unset."""
        is_none = type(node) is ast.Compare and all(type(one) in (ast.Is, ast.IsNot) for one in node.ops)
        return is_none and not kinds & {"runner", "named", "count"}

    def tells_tests(self, node, kinds, scope):
        """Whether the interpreter's state is searched for a test runner, or in disguise."""
        if not kinds & {"state", "environ", "origin"}:
            return False
        texts = self.texts(node)
        if "environ" in kinds:
            hidden = any(len(text) > 1 and "PYTEST".startswith(text) for text in texts)
            return (
                hidden
                or any(sources.PYTEST_KEY.fullmatch(text) or sources.CI_KEY.fullmatch(text) for text in texts)
                or self.disguised(node, scope)
            )
        return any(len(text) < 60 and sources.TESTISH.fullmatch(text) for text in texts) or (
            "state" in kinds and self.disguised(node, scope)
        )

    def disguised(self, node, scope):
        """Whether what is searched for, or in, is only seen as a number or after a call that no text can be told of."""
        for each in ast.walk(node):
            if type(each) is ast.Call and self.names.dotted(each.func).startswith(DISGUISES):
                inner = NOTHING.union(*(self.kinds(one, scope) for one in each.args))
                if inner & {"state", "environ"} and not self.names.dotted(each.args[0]).startswith(("sys.argv", "sys.path")):
                    return True
        sought = node.left if type(node) is ast.Compare and type(node.ops[0]) in (ast.In, ast.NotIn) else None
        return type(sought) is ast.Call and not self.names.text(sought) and self.fixed(sought, scope)

    def texts(self, node):
        """Texts in an expression, and in what its names stand for."""
        todo, steps = [(node, 0)], 0
        found = []
        while todo and steps < 500:
            each, depth = todo.pop()
            steps += 1
            value = self.names.fold(each)
            found += (
                [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
            )
            if type(each) is ast.Name and depth < 3:
                todo += [
                    (one, depth + 1)
                    for one in self.names.values.get(each.id, ())[:5]
                    if type(one) in (ast.Set, ast.List, ast.Tuple, ast.Call)
                ]
            todo += [(one, depth) for one in ast.iter_child_nodes(each)]
        return found

    def drawn_again(self, node, scope):
        """Whether what chance gave earlier is compared with what the file does not tell, as when numbers are drawn until one is free."""
        if type(node) is not ast.Compare:
            return False
        others = [each for each in (node.left, *node.comparators) if "chance" not in self.kinds(each, scope)]
        drawn_here = any(type(each) is ast.Call and self.is_chance(each) for each in ast.walk(node))
        if not others:
            return not drawn_here
        return not all(self.fixed(each, scope) for each in others) and (type(node.ops[0]) in (ast.In, ast.NotIn) or not drawn_here)

    def is_chance(self, call):
        return self.names.dotted(call.func).startswith(sources.CHANCE)

    # what is fixed

    def fixed(self, node, scope):
        """Whether everything in an expression is written in the file, but for what is asked of clock, chance and counters."""
        if id(node) not in self.fixed_nodes:
            self.fixed_nodes[id(node)] = True  # while it is being found, since names go round in circles
            self.fixed_nodes[id(node)] = self.is_fixed(node, scope)
        return self.fixed_nodes[id(node)]

    def is_fixed(self, node, scope):  # noqa: PLR0911  one per kind of expression
        kind = type(node)
        if kind is ast.Name:
            return self.is_fixed_name(node, scope)
        if kind is ast.Attribute:
            if self.attributes.get(node.attr) or is_name(self.names.dotted(node)):
                return True
            values = self.attribute_values.get(node.attr, ()) if type(node.value) is ast.Name else ()
            return any(type(each) is ast.Constant and each.value is not None for each in values) or self.fixed(node.value, scope)
        if kind is ast.Call:
            if self.asked(self.names.dotted(node.func), node, scope) is not None:
                return True
            parts = [*node.args, *(each.value for each in node.keywords)]
            if not parts and self.kinds(node, scope):
                return True
            parts += [node.func.value] if type(node.func) is ast.Attribute and not is_name(self.names.dotted(node.func)) else []
            return all(self.fixed(each, scope) for each in parts)
        parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, (ast.expr, ast.comprehension))]
        return all(self.fixed(each, scope) for each in parts)

    def is_fixed_name(self, node, scope):
        name, home = node.id, scope.home(node.id)
        if name in home.parameters:
            default = home.defaults.get(name)
            return bool(home.known(name) - {"home", "environ"}) or (type(default) is ast.Constant and default.value is not None)
        if name in self.names.values:
            return all(self.fixed(each, home) for each in self.names.values[name][:50])
        return bool(home.known(name) or self.names.dotted(node)) or name in self.names.defined


def decisions(node):
    """Expressions that decide: tests, comparisons, and what chooses between written-out values."""
    kind = type(node)
    if kind in (ast.If, ast.While, ast.IfExp, ast.Assert):
        yield node.test
    elif kind is ast.comprehension:
        yield from node.ifs
    elif kind is ast.Compare:
        yield node
    elif kind is ast.BoolOp:
        yield from node.values[:-1]
    elif kind is ast.UnaryOp and type(node.op) is ast.Not:
        yield node.operand
    elif kind is ast.Subscript and type(node.value) in (ast.Tuple, ast.List, ast.Dict):
        yield node.slice
    elif kind.__name__ == "Match":
        yield node.subject
    elif kind.__name__ == "match_case" and node.guard is not None:
        yield node.guard


def atoms(test):
    """The parts of a decision that `and`, `or` and `not` join."""
    todo = [test]
    while todo:
        node = todo.pop()
        if type(node) is ast.BoolOp:
            todo += reversed(node.values)
        elif type(node) is ast.UnaryOp and type(node.op) is ast.Not:
            todo.append(node.operand)
        elif type(node) not in FUNCTIONS:
            yield node


def is_plain(node):
    """Whether a value is only asked for being there, as what a clock gave may not be."""
    return type(node) in (ast.Name, ast.Attribute)


def is_name(dotted):
    """Whether a dotted name leads through modules only, and through nothing that is called or looked up."""
    return bool(dotted) and not set(dotted) & set("([")
