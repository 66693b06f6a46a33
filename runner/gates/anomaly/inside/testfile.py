"""What the tests of one Python file say, on the base and with the change; runs in the child of `runner.parsing`."""

import ast
import gc
import json

from deeds import Deeds
from flow import Flow
from skips import MAY_SKIP, Names, marks, skip_of
from spelling import FUNCTIONS, digest, meaning, shape, truth

MOST_TESTS = 5000
MOST_CLAIMS = 20_000
_STRONG_BASES = ("object", "Generic", "Protocol", "ABC")


def compare(content, _version):
    """JSON of both sides: `content` is a flag for conftests, a length, the base's text of it, the change's text."""
    gc.disable()  # trees are made of much that lasts, and nothing of this process outlives them
    head, _, rest = content.partition(b"\n")
    configures, length = (int(word) for word in head.split())
    sides = [_Side(part, bool(configures)) for part in (rest[:length], rest[length:])]
    old, new = sides
    same = {name for name, test in old.tests.items() if name in new.tests and test.same_as(new.tests[name])}
    return json.dumps([side.told(same) for side in sides])


def unrun(node):
    """What keeps a function of this kind from running as a test: it yields, or is a coroutine that awaits nothing."""
    inner = [part for part in ast.walk(node) if type(part) in (*FUNCTIONS, ast.Lambda) and part is not node]
    hidden = {id(part) for function in inner for part in ast.walk(function)}
    kinds = {type(part) for part in ast.walk(node) if id(part) not in hidden}
    if kinds & {ast.Yield, ast.YieldFrom}:
        return [("skip", True)]
    waits = kinds & {ast.Await, ast.AsyncFor, ast.AsyncWith}
    return [("skip", False)] if type(node) is ast.AsyncFunctionDef and not waits else []


class _Test:
    """One function that is a test, or that tests may call."""

    def __init__(self, node, text, skips, guard, strong):
        self.node, self.text, self.skips, self.guard, self.strong = node, text, skips, guard, strong

    def same_as(self, other):
        return bool(self.text) and (self.text, self.skips, self.guard, self.strong) == (other.text, other.skips, other.guard, other.strong)


class _Side:
    """One side of one file."""

    def __init__(self, content, configures):
        self.names, self.tests, self.helpers, self.made, self.broken = Names(), {}, {}, {}, False
        self.ignored, self.tree, self.bases = [], None, set()
        self.configures, self.claims = configures, 0
        # another coding may make other code of the same bytes
        self.plain = all(b"coding" not in line or b"utf-8" in line for line in content.split(b"\n", 2)[:2])
        try:
            text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
            self.tree = ast.parse(content)
        except (SyntaxError, ValueError) as problem:
            self.broken = True
            self.problem = str(problem)[:100]
            return
        self.lines = text.split("\n")
        self.bases = {
            base.id for node in ast.walk(self.tree) if type(node) is ast.ClassDef for base in node.bases if type(base) is ast.Name
        }
        self.learn(self.tree.body)
        self.scope(self.tree.body, "", [], (), True)
        if self.ignored:
            self.tests = {}

    def learn(self, statements):
        """Imports and plain assignments at the top, within conditions as well."""
        for node in statements:
            kind = type(node)
            if kind in (ast.Import, ast.ImportFrom):
                self.names.imports(node)
            elif kind is ast.Assign and len(node.targets) == 1 and type(node.targets[0]) is ast.Name:
                self.names.values[node.targets[0].id] = node.value
            elif kind in (ast.If, ast.Try, ast.With):
                for part in ("body", "orelse", "finalbody"):
                    self.learn(getattr(node, part, ()))

    def scope(self, statements, front, skips, guard, strong):
        """Tests of a module's or class's statements; later ones of the same name take the place of earlier ones."""
        skips = [*skips, *self.scope_skips(statements, front)]
        for node in statements:
            kind = type(node)
            if kind in FUNCTIONS:
                self.function(node, front, skips, guard, strong)
            elif kind is ast.ClassDef:
                self.class_(node, front, skips, guard)
            elif kind in (ast.Assign, ast.AnnAssign, ast.Delete):
                self.binds(node, front)
            elif kind in (ast.If, ast.Try, ast.With):
                for part, within in self.parts(node, guard):
                    self.scope(part, front, skips, within, strong)

    @staticmethod
    def parts(node, guard):
        """The statements within a compound one, each with the conditions that it stands under."""
        if type(node) is ast.If:
            known = truth(node.test)
            parts = [(node.body, guard if known else (*guard, digest(shape(node.test)))), (node.orelse, (*guard, "else"))]
            return parts if known is None else parts[:1] if known else [(node.orelse, guard)]
        if type(node) is ast.With:
            return [(node.body, guard)]
        return [
            *((part, guard) for part in (node.body, node.orelse, node.finalbody)),
            *((one.body, (*guard, "except")) for one in node.handlers),
        ]

    def scope_skips(self, statements, front):
        """What keeps all tests of a module or class from running: marks, and skips as its own statements."""
        found = []
        for node in statements:
            targets = node.targets if type(node) is ast.Assign else [getattr(node, "target", None)]
            if type(node) in (ast.Assign, ast.AnnAssign, ast.AugAssign) and any(getattr(one, "id", "") == "pytestmark" for one in targets):
                found += [skip for mark in marks(node.value, self.names) if (skip := skip_of(mark, self.names))]
            elif type(node) in FUNCTIONS and node.name in (
                "setUp",
                "setUpClass",
                "setUpModule",
                "setup_method",
                "setup_class",
                "setup_module",
            ):
                found += [(kind, always) for kind, always, _ in Flow(node, self.names).skips]
            elif not front and type(node) is ast.Expr and type(node.value) is ast.Call:
                name = self.names.of(node.value.func)
                found += [("skip", name not in MAY_SKIP)] if name in ("pytest.skip", *MAY_SKIP) else []
            elif not front and type(node) is ast.Raise and "Skip" in ast.dump(node):
                found.append(("skip", True))
        return found

    def function(self, node, front, skips, guard, strong):
        own = [skip for mark in node.decorator_list if (skip := skip_of(mark, self.names))]
        first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
        text = "\n".join(line.rstrip() for line in self.lines[first - 1 : node.end_lineno])
        test = _Test(node, text if self.plain else "", [*skips, *own], guard, strong)
        is_test = node.name.startswith("test") and not self.is_fixture(node)
        table, other = (self.tests, self.helpers) if is_test else (self.helpers, self.tests)
        other.pop(front + node.name, None)
        if front + node.name in table and guard != table[front + node.name].guard:
            return  # the other branch of a condition: the first stands for both
        table[front + node.name] = test

    def is_fixture(self, node):
        return any(self.names.of(one.func if type(one) is ast.Call else one).endswith("fixture") for one in node.decorator_list)

    def class_(self, node, front, skips, guard):
        body = {getattr(target, "id", ""): part.value for part in node.body if type(part) is ast.Assign for target in part.targets}
        off = "__test__" in body and truth(body["__test__"]) is False
        made = any(type(part) in FUNCTIONS and part.name == "__init__" for part in node.body)
        bases = [self.names.of(base) or "?" for base in node.bases]
        inherits = any(base.rpartition(".")[2] not in _STRONG_BASES for base in bases)
        strong = (node.name.startswith("Test") and not made) or inherits or node.name in self.bases
        own = [skip for mark in node.decorator_list if (skip := skip_of(mark, self.names))]
        if off:
            strong = False
        self.scope(node.body, f"{front}{node.name}::", [*skips, *own], guard, strong)

    def binds(self, node, front):
        """`test_x = None`, `del test_x`, `test_x = made(...)`, `test_x.__test__ = False`."""
        targets = node.targets if type(node) in (ast.Assign, ast.Delete) else [node.target]
        for target in targets:
            name = front + getattr(target, "id", "")
            value = getattr(node, "value", None)
            if type(target) is ast.Attribute and target.attr == "__test__" and truth(value) is False:
                name = front + getattr(target.value, "id", "")
                for test in [one for one in self.tests if one == name or one.startswith(name + "::")]:
                    self.tests[test].strong = False
            elif not front and getattr(target, "id", "") == "__test__" and truth(value) is False:
                self.ignored.append("__test__ = False")
            elif type(target) is ast.Name and target.id.startswith("test"):
                kept = name in self.tests and value is not None and target.id in {getattr(part, "id", "") for part in ast.walk(value)}
                if not kept:
                    self.tests.pop(name, None)
                    if type(value) is ast.Call:
                        self.made[name] = [target.lineno, digest(ast.dump(value))]
                elif skip := self.wrapped(value):
                    self.tests[name].skips = [*self.tests[name].skips, skip]

    def wrapped(self, value):
        return skip_of(value.func, self.names) if type(value) is ast.Call else None

    # what is told

    def told(self, same):
        if self.broken:
            return {"broken": self.problem}
        deeds = Deeds(self.tree, self.names, configures=self.configures)
        if len(self.tests) + len(self.helpers) > MOST_TESTS:
            raise ValueError("it has too many functions")
        return {
            "tests": {name: self.brief(test) if name in same else self.full(test) for name, test in self.tests.items()},
            "helpers": {name: self.full(test, helper=True) for name, test in self.helpers.items()},
            "made": self.made,
            "ignored": self.ignored,
            "hooks": deeds.hooks,
            "deeds": deeds.found,
            "lists": deeds.lists,
        }

    def brief(self, test):
        return {"same": True, "line": test.node.lineno, "strong": test.strong}

    def full(self, test, *, helper=False):
        flow = Flow(test.node, self.names)
        self.claims += len(flow.claims)
        if self.claims > MOST_CLAIMS:
            raise ValueError("it has too many assertions")
        told = {
            "line": test.node.lineno,
            "strong": test.strong,
            "claims": flow.claims,
            "total": flow.total,
            "swallowed": flow.swallowed,
            "calls": flow.calls,
            "exits": flow.exits[:20],
        }
        if helper:
            return told
        return {
            **told,
            "same": False,
            "body": meaning(test.node),
            "skips": [
                *([kind, always] for kind, always in (*test.skips, *unrun(test.node))),
                *([kind, always] for kind, always, _ in flow.skips),
            ],
            "guard": list(test.guard),
            "cases": self.cases(test.node),
        }

    def cases(self, node):
        """The parametrisations: argument names, and a list of cases, each a list of digests; None where they are not written out."""
        found = []
        for mark in map(self.names.value, node.decorator_list):
            name = self.names.of(mark.func) if type(mark) is ast.Call else ""
            if name.endswith("mark.parametrize") and mark.args:
                values = (
                    mark.args[1] if len(mark.args) > 1 else next((word.value for word in mark.keywords if word.arg == "argvalues"), None)
                )
                found.append([digest(ast.dump(mark.args[0])), self.values(values)])
            elif name.endswith(("parameterized.expand", "ddt.data")) and mark.args:
                values = mark.args[0] if name.endswith("expand") else ast.List(elts=mark.args, ctx=ast.Load())
                found.append([name, self.values(values)])
        return found

    def values(self, node):
        node = self.names.value(node) if node is not None else None
        if type(node) is ast.Dict:
            return [[digest(ast.dump(key)) if key else "**"] for key in node.keys]
        if type(node) not in (ast.List, ast.Tuple, ast.Set) or any(type(one) is ast.Starred for one in node.elts):
            return None
        return [self.case(one) for one in node.elts]

    def case(self, node):
        node = self.names.value(node)
        if type(node) is ast.Call and self.names.of(node.func).endswith("param"):
            skips = [
                skip
                for word in node.keywords
                if word.arg == "marks"
                for one in marks(word.value, self.names)
                if (skip := skip_of(one, self.names))
            ]
            return [*(digest(ast.dump(one)) for one in node.args), *(f"{kind}" for kind, always in skips if always)]
        parts = node.elts if type(node) in (ast.Tuple, ast.List) else [node]
        return [digest(ast.dump(one)) for one in parts]
