"""Finds what is decided by a clock, chance, a counter or signs of a test runner; used inside the child of `runner.parsing`."""

import ast

import sources
from following import NOTHING
from sourcetime import Timing
from sourcing import DISGUISES
from spelt import FUNCTIONS

ENDS = {"StopIteration", "IndexError", "KeyError", "LookupError", "Exception", "BaseException", ""}
"""What is caught where something that was kept is used up."""


class Steering(Timing):
    """One file: the decisions in it, and which of them hang on what no honest decision of a library does."""

    def hits(self):
        """Kind and node of every decision that is steered so, outer ones first."""
        for scope in self.scopes:
            for node in scope.nodes:
                for test in decisions(node):
                    for atom in atoms(test):
                        for kind in self.steers(atom, scope):
                            yield kind, atom
                for kind, each in (*self.tried(node, scope), *self.hidden(node, scope)):
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
                if type(inner) is ast.Call and self.uses_up(inner, scope) and ENDS & {caught(handler) for handler in node.handlers}:
                    yield "count", inner

    def steers(self, node, scope):
        """The kinds of tripwires that a decision is."""
        kinds = self.kinds(node, scope)
        if not kinds or self.asks_for_none(node, kinds):
            return
        if kinds & {"runner"} or self.tells_tests(node, kinds, scope) or self.tells_copies(node, kinds, scope):
            yield "runner"
        if "place" in kinds and self.fixed(node, scope):
            yield "place"
        if "chance" in kinds and not self.drawn_again(node, scope):
            yield "chance"
        if "clock" in kinds and ("tick" in kinds or not is_plain(node)) and self.fixed(node, scope):
            yield "clock"
        if (
            ("count" in kinds and self.fixed(node, scope))
            or self.is_late(node, kinds, scope)
            or ("home" in kinds and self.remembers(scope) and "environ" not in kinds)
        ):
            yield "count"

    def remembers(self, scope):
        """Whether a function writes below a home, or the module does when it is imported."""
        return scope in self.writers or self.module in self.writers

    @staticmethod
    def asks_for_none(node, kinds):
        """Whether a value is only compared with None, or is a setting: a variable of the environment may honestly be unset."""
        is_none = type(node) is ast.Compare and all(type(one) in (ast.Is, ast.IsNot) for one in node.ops)
        if is_none and "first" in kinds:
            return any(type(each) is ast.Constant for each in (node.left, *node.comparators))
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

    def tells_copies(self, node, kinds, scope):
        """Whether it is asked how this very file is written, or whether streams and hooks are still the interpreter's own."""
        if "first" in kinds:
            return type(node) is ast.Compare and self.fixed(node, scope)
        return ("written" in kinds or ("stream" in kinds and not is_plain(node))) and self.fixed(node, scope)

    def is_late(self, node, kinds, scope):
        """Whether it is asked how far a kept object has counted; whether it has begun shows at once."""
        if "kept" not in kinds or is_plain(node) or not self.fixed(node, scope):
            return False
        sides = [node.left, *node.comparators] if type(node) is ast.Compare else []
        if sides and type(node.ops[0]) in (ast.In, ast.NotIn):
            return False
        return not any(is_plain(each) for each in sides) or not any(self.names.fold(each) in (0, 1) for each in sides)

    def uses_up(self, call, scope):
        """Whether a call takes something of what is only taken from, or the next of an iterator that lasts and ends."""
        if type(call.func) is ast.Attribute and call.func.attr in ("pop", "popleft", "popitem"):
            return type(call.func.value) is ast.Name and scope is not self.module and "count" in scope.known(call.func.value.id)
        if self.names.dotted(call.func) != "builtins.next" or len(call.args) != 1 or "counter" not in self.kinds(call.args[0], scope):
            return False
        made = {self.names.dotted(each) for each in self.names.all_of(getattr(call.args[0], "id", ""))}
        return not made & {"itertools.count()", "itertools.cycle()"}

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
        todo, found, known = [(node, 0)], [], set()
        while todo:
            each, depth = todo.pop()
            if id(each) in known:
                continue
            known.add(id(each))
            value = self.names.fold(each)
            found += (
                [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
            )
            if type(each) is ast.Name and depth < 3:
                todo += [(one, depth + 1) for one in self.names.all_of(each.id) if type(one) in (ast.Set, ast.List, ast.Tuple, ast.Call)]
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


def caught(handler):
    """The names of what a handler catches, joined; empty for everything."""
    return "" if handler.type is None else getattr(handler.type, "id", "LookupError")


def is_plain(node):
    """Whether a value is only asked for being there, as what a clock gave may not be."""
    return type(node) in (ast.Name, ast.Attribute)
