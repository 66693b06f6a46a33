"""Follows clock, chance, counters and signs of a test runner through the values of a file; used inside the child of `runner.parsing`."""

import ast
import sys

import sources
from counting import COUNT, GROWS, NOTHING, SCALING
from scopes import defaults
from sourcing import START, TICK, Sourcing, given_by
from spelt import FUNCTIONS

ROUNDS = 50
"""How often all assignments are gone through, until nothing is news; where something still is, the file was not read to its end."""
KEYED = {"get", "pop", "setdefault", "__getitem__", "__contains__"}
CARRIES = {"isdisjoint", "intersection", "issubset", "issuperset", "difference", "union", "join", "startswith", "endswith", "get", "count"}
CARRIES |= {"index", "find", "search", "match", "fullmatch", "findall", "__contains__", "format", "copy", "__and__", "__rand__"}
"""Methods whose answer tells of their arguments, whatever they are methods of."""
ASKING = {"map", "iter", "filter", "reduce", "sorted", "min", "max", "starmap", "takewhile", "dropwhile", "accumulate", "call", "field"}
"""Functions of the standard library that call what they are given."""
GROWN = frozenset({"grown"})
"""What only the size of a container tells, not what is in it."""
OF_FILES = {"os", "stat", "pathlib", "shutil", "io"}
"""What is known of a file tells nothing of the user whose name its path has."""
STANDARD = getattr(sys, "stdlib_module_names", None)
WRITERS = {"write_text", "write_bytes", "touch", "mkdir", "write", "writelines"}
WRITING = {"os.makedirs", "os.mkdir", "os.utime", "os.replace", "os.rename", "os.mknod", "shelve.open", "sqlite3.connect", "dbm.open"}


class Following(Sourcing):
    """One file: of what kind the values are that its names and attributes hold."""

    def __init__(self, tree, names):
        super().__init__(tree, names)
        self.attribute_values, self.returned, self.writers = {}, {}, set()
        self.entered_lambdas = set()
        for _ in range(ROUNDS):
            if not sum(self.learn(scope) for scope in self.scopes):
                break
        else:
            names.cuts.add(f"values are handed on more than {ROUNDS} times")

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
        return kinds | (START if "clock" in kinds and "clock()" not in kinds else NOTHING) | self.iterators(value)

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
        by_number = type(node.op) in SCALING and self.is_number(node.value)
        longer = type(node.op) is ast.Add and type(node.target) is ast.Name and node.target.id in scope.outer and not by_number
        longer = longer and (type(node.value) is ast.List or isinstance(self.names.fold(node.value), (str, bytes)))
        news |= bool(longer and scope.add(node.target.id, frozenset({"grown"})))
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
        if method in GROWS:
            news |= bool(self.grows(node.func.value, scope))
        if method in ("update", "subtract"):
            counts = type(node.func.value) is ast.Name and "collections.Counter()" in map(
                self.names.dotted, self.names.all_of(node.func.value.id)
            )
            news |= bool(counts and self.lasts(node.func.value, scope) and scope.add(node.func.value.id, COUNT))
            news |= self.updates(node, scope)
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
        kinds = self.kinds(node.iter, scope) - GROWN
        stops = scope is not self.module and any(
            type(each) in (ast.Break, ast.Return) for one in getattr(node, "body", ()) for each in ast.walk(one)
        )
        return self.gives(node.target, kinds | (COUNT if "counter" in kinds and stops else NOTHING), node.iter, scope)

    def entered(self, node, scope):
        return node.optional_vars is not None and self.gives(
            node.optional_vars, self.kinds(node.context_expr, scope), node.context_expr, scope
        )

    # kinds

    def kinds(self, node, scope):
        """Of what kinds a value is; RecursionError where it nests too deep."""
        look = _KINDS.get(type(node))
        kinds = look(self, node, scope) if look else self.below(node, scope)
        return kinds | self.spelt(node) if type(node) in SPELT else kinds

    def below(self, node, scope):
        return NOTHING.union(*(self.kinds(each, scope) for each in ast.iter_child_nodes(node)))

    def reference(self, node, scope):
        name = self.names.dotted(node)
        told = self.told_by(name)
        if told is not None:
            return told | scope.known(node.id) if type(node) is ast.Name else told
        state = frozenset({"state"}) if is_state(name) else NOTHING
        if type(node) is ast.Name:
            return state | scope.known(node.id) | (frozenset({"home", "own"}) if node.id in ("__file__", "__cached__") else NOTHING)
        own = self.attributes.get(node.attr, NOTHING) if self.is_owner(node.value, scope) else NOTHING
        named = frozenset({"origin"}) if node.attr in ("__module__", "__file__", "co_filename", "f_globals") else NOTHING
        own |= frozenset({"written"}) if node.attr in sources.OWN_CODE and self.of_itself(node, scope) else NOTHING
        return state | own | named | self.of_attribute(node.attr, self.kinds(node.value, scope) - GROWN)

    def is_owner(self, node, scope):
        """Whether an attribute of this may be one that was noted; of items, only those of what outlives the call."""
        if type(node) is ast.Subscript:
            return self.lasts(node.value, scope)
        return type(node) in (ast.Name, ast.Call, ast.Attribute)

    def made(self, node, scope):
        name = self.names.dotted(node)
        func = name[:-2] if name.endswith("()") else self.names.dotted(node.func)
        direct = self.asked(func, node, scope)
        if direct is None:
            direct = self.told_by(name)
        found = self.handed(node, scope)
        if direct is not None:
            return direct | found
        method, owner = getattr(node.func, "attr", ""), getattr(node.func, "value", None)
        found |= frozenset({"state"}) if is_state(name) else NOTHING
        held = self.kinds(owner, scope) if owner is not None else NOTHING
        if method in KEYED and "environ" in held and node.args:
            return (held - {"environ"}) | self.keyed(node.args[0])
        if method in ("__next__", "send") and "counter" in held:
            return COUNT
        if type(node.func) is ast.Name and node.func.id in self.functions:
            return found | self.returned.get(node.func.id, NOTHING)
        if getattr(owner, "id", "") in ("self", "cls") and method in self.functions:
            found |= self.returned.get(method, NOTHING)
        found |= self.carried(node, func, method, scope) | self.by_lambda(node, scope)
        if type(node.func) not in (ast.Name, ast.Attribute):
            found |= frozenset(each for each in self.kinds(node.func, scope) if not each.endswith("()"))
        return self.of_file(func, method, node.args, found | held)

    def carried(self, node, func, method, scope):
        """What a call tells of what it is given: one of the standard library, or of a method that is known to."""
        top = func.partition(".")[0]
        if top != "builtins" and not (top and (STANDARD is None or top in STANDARD)) and method not in CARRIES:
            return NOTHING
        given = NOTHING.union(*(self.kinds(each, scope) for each in (*node.args, *node.keywords)))
        found = given - {"place"} if top in OF_FILES or func == "builtins.open" else given
        if func.rpartition(".")[2] in ASKING:
            found |= given_by(given)
        if top in ("builtins", "itertools") and "counter" in given and func != "builtins.iter":
            found |= COUNT
        return found | {"written"} if func in sources.OWN and self.of_itself(node, scope) else found

    def by_lambda(self, node, scope):
        """The kinds of what a lambda of that name gives; nothing while they are being found, since one may call itself."""
        found = NOTHING
        for value in self.names.all_of(getattr(node.func, "id", "")):
            if type(value) is ast.Lambda and id(value) not in self.entered_lambdas:
                self.entered_lambdas.add(id(value))
                found |= self.kinds(value.body, scope)
                self.entered_lambdas.discard(id(value))
        return found

    def item(self, node, scope):
        held = self.kinds(node.value, scope) - GROWN
        if "rows" in held:
            held = held - {"rows"} | (GROWN if self.names.fold(node.slice) is not None else NOTHING)
        if "environ" in held:
            return (held - {"environ"}) | self.keyed(node.slice)
        return held | self.kinds(node.slice, scope) | (frozenset({"state"}) if is_state(self.names.dotted(node)) else NOTHING)

    def operated(self, node, scope):
        left, right = self.kinds(node.left, scope), self.kinds(node.right, scope)
        if type(node.op) is ast.Div:
            return self.joined_to((node.left, node.right), left | right)
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
        for name, value in defaults(node.args) if scope is self.module else ():
            scope.add(name, self.at_start(value, scope))
        return self.kinds(node.body, scope)


def without_clock(kinds):
    """How long something took; but how long ago the program started is a clock, too."""
    return kinds if "start" in kinds else kinds - TICK


def is_state(name):
    return name.startswith(sources.STATE) and any(name == one or name[len(one)] in ".([" for one in sources.STATE if name.startswith(one))


SPELT = (ast.Constant, ast.BinOp, ast.Call, ast.JoinedStr, ast.Subscript)
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
    ast.Constant: lambda *_: NOTHING,
    ast.Name: Following.reference,
    ast.Attribute: Following.reference,
    ast.Call: Following.made,
    ast.Subscript: Following.item,
    ast.BinOp: Following.operated,
    ast.Compare: Following.compared,
    ast.Lambda: Following.lambda_,
    **dict.fromkeys(FUNCTIONS, lambda *_: NOTHING),
}
