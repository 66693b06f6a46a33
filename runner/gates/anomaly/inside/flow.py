"""Follows one test through its statements: what it asserts, what it calls, where it leaves; runs in the child of `runner.parsing`."""

import ast

from claims import Claims
from skips import CALLS, ERRORS, MAY_SKIP
from spelling import Spelling, truth

MOST_CLAIMS = 1000
_CATCHERS = {"raises": "raises", "assertRaises": "raises", "assertRaisesRegex": "raises", "assertRaisesRegexp": "raises",
             "warns": "raises", "assertWarns": "raises", "assertWarnsRegex": "raises", "assertLogs": "raises", "deprecated_call": "raises"}  # fmt: skip
_SWALLOW = {"Exception", "BaseException", "AssertionError"}
_HARD = {"os._exit", "os.abort", "sys.exit", "os.kill", "exit", "quit", "pytest.exit"}


class Flow:
    """What one function does, as far as it is reached."""

    def __init__(self, function, names):
        self.names = names
        self.spelling = Spelling(function)
        self.claims_of = Claims(self.spelling, names.of)
        self.claims, self.skips, self.exits, self.calls, self.nested = [], [], [], {}, {}
        self.total = self.swallowed = 0
        self.used = {node.id for node in ast.walk(function) if type(node) is ast.Name and type(node.ctx) is ast.Load}
        self.follow(function.body, 1, (), False)

    # statements

    def follow(self, statements, times, guard, swallowed):
        """Whether the statements always leave the function; what stands after that is never reached."""
        for at, statement in enumerate(statements):
            if self.statement(statement, times, guard, swallowed):
                if at + 1 < len(statements) and not guard and not isinstance(statement, (ast.Raise, ast.With, ast.Try)):
                    self.exits.append([statement.lineno, "always", self.total])
                return True
        return False

    def statement(self, node, times, guard, swallowed):
        """Whether a statement always leaves what it stands in."""
        take = _TAKEN.get(type(node), Flow.expression_of)
        return take(self, node, times, guard, swallowed)

    def expression_of(self, node, times, guard, swallowed):
        return self.expression(node, node, times, guard, swallowed)

    def asserted(self, node, times, guard, swallowed):
        self.assertion(self.claims_of.of_test(node.test), node, times, guard, swallowed)
        return truth(node.test) is False

    def returned(self, node, times, guard, swallowed):
        self.expression(node.value, node, times, guard, swallowed)
        if guard:
            self.exits.append([node.lineno, "maybe", self.total])
        return True

    def matched(self, node, times, guard, swallowed):
        for case in node.cases:
            self.follow(case.body, times, (*guard, "case"), swallowed)
        return False

    def defined(self, node, times, guard, swallowed):
        self.nested[node.name] = node
        if node.name in self.used:
            self.follow(node.body, times, guard, swallowed)
        return False

    def passed(self, _node, _times, _guard, _swallowed):
        return False

    def jumped(self, _node, _times, _guard, _swallowed):
        return True

    def branches(self, node, times, guard, swallowed):
        known = truth(node.test)
        if known is not None:
            return self.follow(node.body if known else node.orelse, times, guard, swallowed)
        condition = self.spelling.of(node.test)
        left = self.follow(node.body, times, (*guard, condition), swallowed)
        return bool(node.orelse) and self.follow(node.orelse, times, (*guard, f"not {condition}"), swallowed) and left

    def loop(self, node, times, guard, swallowed):
        if type(node) is ast.While:
            if truth(node.test) is not False:
                self.follow(node.body, times, (*guard, "while") if truth(node.test) is None else guard, swallowed)
            return False
        count = self.count(node.iter)
        if count != 0:
            held = len(self.exits)
            self.follow(node.body, times * (count or 1), guard, swallowed)
            self.exits[held:] = [[line, "maybe" if how == "always" else how, total] for line, how, total in self.exits[held:]]
        self.follow(node.orelse, times, guard, swallowed)
        return False

    def count(self, node):
        """How often a loop runs, where that is written out; None where it is not."""
        node = self.names.value(self.spelling.bound.get(node.id, node) if type(node) is ast.Name else node)
        if type(node) in (ast.List, ast.Tuple, ast.Set):
            return len(node.elts)
        if type(node) is ast.Dict:
            return len(node.keys)
        if type(node) is ast.Call and type(node.func) is ast.Attribute and node.func.attr in ("items", "keys", "values") and not node.args:
            return self.count(node.func.value)
        if type(node) is ast.Call and self.names.of(node.func) in ("enumerate", "zip", "sorted", "reversed") and node.args:
            return self.count(node.args[0])
        return None

    def context(self, node, times, guard, swallowed):
        for item in node.items:
            call = item.context_expr
            if type(call) is not ast.Call:
                continue
            name = self.names.of(call.func)
            last = name.rpartition(".")[2]
            if last in _CATCHERS:
                self.assertion([self.claims_of.raises(call, node.body)], node, times, guard, swallowed)
                if any(self.names.of(one).rpartition(".")[2] in _SWALLOW for one in call.args[:1]):
                    swallowed = True  # what is claimed inside may fail, and nobody hears of it
            elif last == "suppress" and any(self.names.of(one).rpartition(".")[2] in _SWALLOW for one in call.args):
                swallowed = True
            else:
                self.expression(call, node, times, guard, swallowed)
        return self.follow(node.body, times, guard, swallowed) and not swallowed

    def attempt(self, node, times, guard, swallowed):
        eats = any(self.eats(handler) for handler in node.handlers)
        eats = eats or any(type(one) in (ast.Return, ast.Break, ast.Continue) for one in node.finalbody)
        left = self.follow(node.body, times, guard, swallowed or eats)
        left = self.follow(node.orelse, times, guard, swallowed) or left
        ways = [self.follow(handler.body, times, (*guard, "except"), swallowed) for handler in node.handlers]
        return self.follow(node.finalbody, times, guard, swallowed) or (left and all(ways))

    def eats(self, handler):
        """Whether a handler takes a failed assertion and lets the test go on."""
        kinds = handler.type.elts if type(handler.type) is ast.Tuple else [handler.type]
        if handler.type is not None and not any(self.names.of(one).rpartition(".")[2] in _SWALLOW for one in kinds):
            return False
        return not any(self.speaks(node) for node in ast.walk(handler))

    def speaks(self, node):
        if type(node) in (ast.Raise, ast.Assert):
            return True
        name = self.names.of(node.func) if type(node) is ast.Call else ""
        return name == "pytest.fail" or name.startswith("self.assert") or name in ("self.fail", "sys.exit")

    def raised(self, node, times, guard, swallowed):
        what = node.exc.func if type(node.exc) is ast.Call else node.exc
        name = self.names.of(what) if what is not None else ""
        if name in ERRORS:
            self.skips.append(["skip", not guard, node.lineno])
        elif name == "AssertionError":
            self.failure(node, times, guard, swallowed)
        return True

    def failure(self, node, times, guard, swallowed):
        claim = {"op": "fail", "sides": [guard[-1] if guard else ""], "expected": "", "literal": False, "parts": [], "shape": "fail"}
        self.assertion([claim], node, times, guard[:-1], swallowed)

    # expressions

    def expression(self, node, statement, times, guard, swallowed):
        """Take the calls of an expression; whether it leaves the test for certain."""
        if node is None:
            return False
        left = False
        for call in ast.walk(node):
            if type(call) is ast.Call:
                left = self.call(call, statement, times, guard, swallowed) or left
        return left

    def call(self, call, statement, times, guard, swallowed):
        name = self.names.of(call.func) or getattr(call.func, "attr", "")
        last = name.rpartition(".")[2]
        if name in CALLS:
            self.skips.append([CALLS[name], not guard, call.lineno])
            return True
        if name in MAY_SKIP:
            self.skips.append(["skip", False, call.lineno])
        elif name in ("pytest.fail", "self.fail"):
            self.failure(call, times, guard, swallowed)
            return True
        elif name in _HARD:
            self.exits.append([call.lineno, "hard", self.total])
            return True
        elif last in _CATCHERS and (call.args[1:] or name.startswith("self.")):
            if len(call.args) > 1:
                self.assertion([self.claims_of.raises(call, [])], statement, times, guard, swallowed)
        else:
            claims = self.claims_of.of_call(call)
            if claims is not None and not (type(call.func) is ast.Name and last in self.nested):
                self.assertion(claims, call, times, guard, swallowed, helper=last)
            elif not swallowed:
                self.calls[last] = self.calls.get(last, 0) + times
        return False

    def assertion(self, claims, node, times, guard, swallowed, helper=""):
        if swallowed:
            self.swallowed += len(claims)
            return
        for claim in claims:
            self.total += times
            if len(self.claims) < MOST_CLAIMS:
                self.claims.append(
                    {**claim, "line": node.lineno, "times": times, "guard": list(guard), "helper": helper if claim["op"] == "other" else ""}
                )


_TAKEN = {
    ast.Assert: Flow.asserted,
    ast.Return: Flow.returned,
    ast.Raise: Flow.raised,
    ast.If: Flow.branches,
    ast.For: Flow.loop,
    ast.AsyncFor: Flow.loop,
    ast.While: Flow.loop,
    ast.With: Flow.context,
    ast.AsyncWith: Flow.context,
    ast.Try: Flow.attempt,
    ast.TryStar: Flow.attempt,
    ast.Match: Flow.matched,
    ast.FunctionDef: Flow.defined,
    ast.AsyncFunctionDef: Flow.defined,
    ast.ClassDef: Flow.passed,
    ast.Continue: Flow.jumped,
    ast.Break: Flow.jumped,
}
