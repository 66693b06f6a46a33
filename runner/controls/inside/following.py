"""Follows clock, chance, counters and what tells of a test runner through the values of a Python file; used inside the child of `runner.parsing`."""

import ast
import sys

import sources
from counting import NOTHING, Counting
from spelt import FUNCTIONS

ROUNDS = 4
"""How often all assignments are gone through, so that values are followed through as many names and functions as that."""
CLOCK, TICK, START = frozenset({"clock"}), frozenset({"clock", "tick"}), frozenset({"clock", "start"})
KEYED = {"get", "pop", "setdefault", "__getitem__", "__contains__"}
CARRIES = {"isdisjoint", "intersection", "issubset", "issuperset", "difference", "union", "join", "startswith", "endswith", "get", "count"}
CARRIES |= {"index", "find", "search", "match", "fullmatch", "findall", "__contains__", "format", "copy", "__and__", "__rand__"}
"""Methods whose answer tells of their arguments, whatever they are methods of."""
CONVERTERS = {"time.localtime": 0, "time.gmtime": 0, "time.ctime": 0, "time.asctime": 0, "time.strftime": 1, "email.utils.formatdate": 0}
"""Calls that ask the clock only with as few arguments."""
OF_FILES = {"os", "stat", "pathlib", "shutil", "io"}
"""What is known of a file tells nothing of the user whose name its path has."""
STANDARD = getattr(sys, "stdlib_module_names", None)
WRITERS = {"write_text", "write_bytes", "touch", "mkdir", "write", "writelines"}
WRITING = {"os.makedirs", "os.mkdir", "os.utime", "os.replace", "os.rename", "os.mknod", "shelve.open", "sqlite3.connect", "dbm.open"}


class Following(Counting):
    """One file: of what kind the values are that its names and attributes hold."""

    def __init__(self, tree, names):
        super().__init__(tree, names)
        self.functions = {scope.node.name: scope for scope in self.scopes[1:]}
        self.attribute_values, self.returned, self.writers = {}, {}, set()
        self.entered_lambdas = set()
        for _ in range(ROUNDS):
            if not sum(self.learn(scope) for scope in self.scopes):
                break

    # what is learnt

    def learn(self, scope):
        news = bool(sum(scope.add(name, self.at_start(value, self.module)) for name, value in scope.defaults.items()))
        for node in scope.nodes:
            look = _LEARNT.get(type(node))
            news |= bool(look and look(self, node, scope))
        return news

    def at_start(self, value, scope):
        """The kinds of what is taken once, when the module is imported."""
        kinds = self.kinds(value, scope)
        made = self.names.dotted(value)
        counter = made in ("itertools.count()", "itertools.cycle()", "builtins.iter()", "itertools.repeat()")
        return kinds | (START if "clock" in kinds else NOTHING) | (frozenset({"counter"}) if counter else NOTHING)

    def assigned(self, node, scope):
        targets = node.targets if type(node) is ast.Assign else [node.target]
        if node.value is None:
            return False
        once = scope is self.module
        kinds = self.at_start(node.value, scope) if once else self.kinds(node.value, scope)
        news = [self.gives(target, kinds, node.value, scope, in_class=id(node) in self.in_class) for target in targets]
        if type(node) is not ast.AugAssign and self.steps(node.value):
            news += [self.counted(target, scope) for target in targets if self.recurs(target, node.value)]
        news += [self.grows(each.value, scope) for each in targets if type(each) is ast.Subscript]
        return any(news)

    def gives(self, target, kinds, value, scope, *, in_class=False):
        if type(target) in (ast.Tuple, ast.List):
            alike = type(value) in (ast.Tuple, ast.List) and len(value.elts) == len(target.elts)
            parts = [(each, value.elts[at] if alike else value) for at, each in enumerate(target.elts)]
            return bool(sum(self.gives(each, self.kinds(part, scope) if alike else kinds, part, scope) for each, part in parts))
        if type(target) is ast.Starred:
            return self.gives(target.value, kinds, value, scope)
        if type(target) is ast.Attribute or (in_class and type(target) is ast.Name):
            name = target.attr if type(target) is ast.Attribute else target.id
            if value not in self.attribute_values.setdefault(name, []):
                self.attribute_values[name].append(value)
            return self.marks(name, kinds)
        return type(target) is ast.Name and scope.add(target.id, kinds)

    def raised(self, node, scope):
        """What is counted up or down lives longer than a call, or is no counter."""
        news = self.assigned(node, scope)
        by_number = type(node.op) in (ast.Add, ast.Sub) and self.is_number(node.value)
        return (by_number and self.counted(node.target, scope)) or news

    def called(self, node, scope):
        """What a call does to what it is given: to parameters of the file's functions, to lists that grow, to files."""
        news = False
        if type(node.func) is ast.Name and node.func.id in self.functions:
            inner = self.functions[node.func.id]
            given = [*zip(inner.parameters, node.args), *((each.arg, each.value) for each in node.keywords if each.arg in inner.local)]  # noqa: B905
            news = bool(sum(inner.add(name, self.kinds(value, scope)) for name, value in given))
        name = self.names.dotted(node.func)
        method = getattr(node.func, "attr", "")
        if method in ("append", "add", "appendleft"):
            news |= bool(self.grows(node.func.value, scope))
        if name == "builtins.setattr" and len(node.args) == 3 and self.steps(node.args[2]) and self.shared(node.args[0], scope):
            news |= self.marks(self.names.text(node.args[1]), frozenset({"count"}))
        if scope not in self.writers and self.writes(node, name, method, scope):
            self.writers.add(scope)
            news = True
        return news

    def writes(self, node, name, method, scope):
        """Whether a call writes below a home, or is one of a function that does."""
        if any(inner.node.name in (getattr(node.func, "id", ""), method) for inner in self.writers if inner is not self.module):
            return True
        opens = name == "builtins.open" or method == "open"
        if not (opens or method in WRITERS or name in WRITING) or "home" not in self.kinds(node, scope):
            return False
        modes = [self.names.text(each) for each in (*node.args[:2], *(each.value for each in node.keywords))]
        return not opens or any(set(mode) & set("wax+") for mode in modes if len(mode) < 4)

    def returns(self, node, scope):
        name = getattr(scope.node, "name", "")
        before = self.returned.get(name, NOTHING)
        self.returned[name] = before | (self.kinds(node.value, scope) if node.value else NOTHING)
        return self.returned[name] != before

    def loops(self, node, scope):
        return self.gives(node.target, self.kinds(node.iter, scope), node.iter, scope)

    def entered(self, node, scope):
        return node.optional_vars is not None and self.gives(
            node.optional_vars, self.kinds(node.context_expr, scope), node.context_expr, scope
        )

    # kinds

    def kinds(self, node, scope):
        """Of what kinds a value is; RecursionError where it nests too deep."""
        look = _KINDS.get(type(node))
        return look(self, node, scope) if look else self.below(node, scope)

    def below(self, node, scope):
        return NOTHING.union(*(self.kinds(each, scope) for each in ast.iter_child_nodes(node)))

    def constant(self, node, _scope):
        return frozenset({"home"}) if isinstance(node.value, str) and sources.HOME_TEXT.match(node.value) else NOTHING

    def reference(self, node, scope):
        name = self.names.dotted(node)
        if name in sources.FLAGS:
            return frozenset({"runner"})
        if name in ("os.environ", "os.environb", "posix.environ"):
            return frozenset({"environ"})
        state = frozenset({"state"}) if is_state(name) else NOTHING
        if type(node) is ast.Name:
            return state | scope.known(node.id) | (frozenset({"home"}) if node.id == "__file__" else NOTHING)
        own = self.attributes.get(node.attr, NOTHING) if type(node.value) in (ast.Name, ast.Call, ast.Attribute) else NOTHING
        named = frozenset({"origin"}) if node.attr in ("__module__", "__file__", "co_filename", "f_globals") else NOTHING
        return state | own | named | self.kinds(node.value, scope)

    def made(self, node, scope):
        name = self.names.dotted(node)
        func = name[:-2] if name.endswith("()") else self.names.dotted(node.func)
        direct = self.asked(func, node, scope)
        if direct is not None:
            return direct
        method, owner = getattr(node.func, "attr", ""), getattr(node.func, "value", None)
        found = frozenset({"state"}) if is_state(name) else NOTHING
        held = self.kinds(owner, scope) if owner is not None else NOTHING
        if method in KEYED and "environ" in held and node.args:
            return (held - {"environ"}) | self.keyed(node.args[0])
        if method == "__next__" and "counter" in held:
            return frozenset({"count"})
        if type(node.func) is ast.Name and node.func.id in self.functions:
            return self.returned.get(node.func.id, NOTHING)
        if getattr(owner, "id", "") in ("self", "cls") and method in self.functions:
            found |= self.returned.get(method, NOTHING)
        top = func.partition(".")[0]
        if top == "builtins" or (top and (STANDARD is None or top in STANDARD)) or method in CARRIES:
            given = NOTHING.union(*(self.kinds(each, scope) for each in (*node.args, *node.keywords)))
            found |= given - {"place"} if top in OF_FILES or func == "builtins.open" else given
        found |= self.by_lambda(node, scope)
        if type(node.func) not in (ast.Name, ast.Attribute):
            found |= self.kinds(node.func, scope)
        return found | held

    def by_lambda(self, node, scope):
        """The kinds of what a lambda of that name gives; nothing while they are being found, since one may call itself."""
        found = NOTHING
        for value in self.names.values.get(getattr(node.func, "id", ""), ())[:20]:
            if type(value) is ast.Lambda and id(value) not in self.entered_lambdas:
                self.entered_lambdas.add(id(value))
                found |= self.kinds(value.body, scope)
                self.entered_lambdas.discard(id(value))
        return found

    def asked(self, func, node, scope):  # noqa: PLR0911  one question after another
        """What a call asks for that is the source of a kind; None when it is none."""
        if func in sources.CLOCK and not (func in CONVERTERS and len(node.args) > CONVERTERS[func]):
            return CLOCK
        if func.startswith(sources.CHANCE) and func.rpartition(".")[2] not in (
            "Random",
            "SystemRandom",
            "seed",
            "shuffle",
            "compare_digest",
            "uuid5",
        ):
            return frozenset({"chance"})
        if func in sources.PLACE:
            return frozenset({"place"})
        if func in sources.ASKED:
            return frozenset({"runner"})
        if func in sources.COUNTS or getattr(node.func, "attr", "") == "cache_info":
            return frozenset({"count"})
        if func == "os.getenv":
            return self.keyed(node.args[0]) if node.args else NOTHING
        if func in sources.HOMES or func.partition(".")[0] in sources.HOMES or getattr(node.func, "attr", "") == "expanduser":
            return frozenset({"home"})
        if func in ("builtins.len", "builtins.next") and node.args:
            kinds = self.kinds(node.args[0], scope)
            return kinds - {"grown", "counter"} | (frozenset({"count"}) if kinds & {"grown", "counter"} else NOTHING)
        return None

    def keyed(self, node):
        """The kind of a variable of the environment, by its name."""
        key = self.names.fold(node)
        key = key.decode("latin-1") if isinstance(key, bytes) else key
        if not isinstance(key, str):
            return NOTHING
        if sources.PYTEST_KEY.fullmatch(key):
            return frozenset({"runner"})
        if sources.CI_KEY.fullmatch(key):
            return frozenset({"place", "named"})
        return frozenset({"home"}) if key in sources.HOME_KEYS else NOTHING

    def item(self, node, scope):
        held = self.kinds(node.value, scope)
        if "environ" in held:
            return (held - {"environ"}) | self.keyed(node.slice)
        return held | self.kinds(node.slice, scope) | (frozenset({"state"}) if is_state(self.names.dotted(node)) else NOTHING)

    def operated(self, node, scope):
        left, right = self.kinds(node.left, scope), self.kinds(node.right, scope)
        if type(node.op) is ast.Sub and "clock" in left and "clock" in right:
            return without_clock(left | right)
        if type(node.op) in (ast.Mod, ast.BitAnd, ast.FloorDiv, ast.RShift):
            if "clock" in left:
                return left | right | TICK
            salted = any(
                type(each) is ast.Call and self.names.dotted(each.func) in ("builtins.hash", "builtins.id") for each in ast.walk(node.left)
            )
            if salted and isinstance(self.names.fold(node.right), int):
                return left | right | {"chance"}
        return left | right

    def compared(self, node, scope):
        sides = [self.kinds(each, scope) for each in (node.left, *node.comparators)]
        if "environ" in sides[-1] and type(node.ops[-1]) in (ast.In, ast.NotIn) and self.names.text(node.left):
            return self.keyed(node.left) | (sides[-1] - {"environ"})
        together = NOTHING.union(*sides)
        if sum("place" in each for each in sides) > 1:
            together -= {"place"}
        return without_clock(together) if sum("clock" in each for each in sides) > 1 else together

    def lambda_(self, node, scope):
        return self.kinds(node.body, scope)


def without_clock(kinds):
    """How long something took; but how long ago the program started is a clock, too."""
    return kinds if "start" in kinds else kinds - TICK


def is_state(name):
    return name.startswith(sources.STATE) and any(name == one or name[len(one)] in ".([" for one in sources.STATE if name.startswith(one))


_LEARNT = {
    ast.Assign: Following.assigned,
    ast.AnnAssign: Following.assigned,
    ast.NamedExpr: Following.assigned,
    ast.AugAssign: Following.raised,
    ast.Call: Following.called,
    ast.Return: Following.returns,
    ast.For: Following.loops,
    ast.AsyncFor: Following.loops,
    ast.comprehension: Following.loops,
    ast.withitem: Following.entered,
}
_KINDS = {
    ast.Constant: Following.constant,
    ast.Name: Following.reference,
    ast.Attribute: Following.reference,
    ast.Call: Following.made,
    ast.Subscript: Following.item,
    ast.BinOp: Following.operated,
    ast.Compare: Following.compared,
    ast.Lambda: Following.lambda_,
    **dict.fromkeys(FUNCTIONS, lambda *_: NOTHING),
}
