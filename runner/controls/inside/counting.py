"""Tells what outlives a call and counts calls; used inside the child of `runner.parsing`."""

import ast

import sources
from scopes import MUTABLE, scopes_of
from spelt import FUNCTIONS

NOTHING = frozenset()
COUNT = frozenset({"count"})
GROWS = {"append", "add", "appendleft", "extend", "extendleft", "insert", "update"}
SHRINKS = {"pop", "popleft", "popitem"}
BUILDS = {"__init__", "__post_init__", "__new__"}
STEPPING = (ast.Add, ast.Sub)
SCALING = (*STEPPING, ast.Mult, ast.FloorDiv, ast.LShift, ast.RShift, ast.Pow)


class Counting:
    """One file: its scopes, and which of its names and attributes are counted up or down, or grow, from call to call."""

    def __init__(self, tree, names):
        self.names = names
        self.scopes, self.in_class = scopes_of(tree)
        self.module = self.scopes[0]
        self.functions = {scope.node.name: scope for scope in self.scopes[1:]}
        self.attributes = {}
        self.kept_classes = self.classes_kept()
        self.methods = {id(each): name for name in self.kept_classes for each in names.defined[name].body if type(each) in FUNCTIONS}
        self.cleared, drained = self.emptied()
        for name in drained:
            self.module.add(name, COUNT)
        for name, kinds in self.kept().items():
            self.marks(name, kinds)

    # what is emptied

    def emptied(self):
        """Names of what is filled and emptied, as caches are, whose size is no counter; and of what is only emptied, which is one."""
        cleared, shrunk, filled = set(), set(), set()
        at_once = self.emptied_at_once()
        for scope in self.scopes:
            for node in scope.nodes:
                if type(node) is ast.Call and type(node.func) is ast.Attribute:
                    name, method = held(node.func.value), node.func.attr
                    filled.update([name] if method in GROWS or method in ("setdefault", "put") else ())
                    cleared.update([name] if method == "clear" or (method in SHRINKS and id(node) in at_once) else ())
                    shrunk.update([name] if method in SHRINKS and scope is not self.module else ())
                elif type(node) is ast.Delete:
                    shrunk.update(held(each.value) for each in node.targets if type(each) is ast.Subscript and scope is not self.module)
                elif type(node) in (ast.Assign, ast.AugAssign):
                    filled |= refilled(node, scope)
        drained = shrunk - filled - cleared
        return cleared | (shrunk - drained), {name for name in drained if name in self.module.local and self.is_filled(name)}

    def is_filled(self, name):
        """Whether a name holds something from the start; what is empty there is filled where this file does not show it."""
        for value in self.names.all_of(name):
            if type(value) is ast.BinOp or getattr(value, "elts", ()) or getattr(value, "keys", ()) or type(value) is ast.ListComp:
                return True
            if type(value) is ast.Call and value.args and self.names.dotted(value.func) != "collections.defaultdict":
                return True
        return False

    def emptied_at_once(self):
        """Calls in a loop that goes on until the same name is empty: what is left does not tell of other calls."""
        found = set()
        for scope in self.scopes:
            for node in scope.nodes:
                if type(node) is ast.While:
                    asked = {held(each) for each in ast.walk(node.test)} - {""}
                    found.update(
                        id(each)
                        for each in ast.walk(node)
                        if type(each) is ast.Call and type(each.func) is ast.Attribute and held(each.func.value) in asked
                    )
        return found

    # objects that a module keeps

    def classes_kept(self):
        """Classes of the file of which a name of the module, a class or a default holds an object."""
        values = [value for scope in self.scopes[1:] for value in scope.defaults.values()]
        scripts = {id(each) for node in self.module.nodes if is_script(node) for each in ast.walk(node)}
        for scope in self.scopes:
            for node in scope.nodes:
                if type(node) in (ast.Assign, ast.AnnAssign) and node.value is not None and id(node) not in scripts:
                    targets = node.targets if type(node) is ast.Assign else [node.target]
                    outer = any(type(each) is ast.Name and each.id in scope.outer for each in targets)
                    values += [node.value] if scope is self.module or outer else []
        called = {getattr(each.func, "id", "") for value in values for each in ast.walk(value) if type(each) is ast.Call}
        found = {name for name in called if type(self.names.defined.get(name)) is ast.ClassDef}
        for name in list(found):
            above = {getattr(base, "id", "") for base in self.names.defined[name].bases}
            found |= {each for each in above if type(self.names.defined.get(each)) is ast.ClassDef}
        return found

    def is_kept(self, base, scope):
        """Whether this is an object that a name of the module holds, as seen from outside or from its own methods."""
        if type(base) is not ast.Name or scope is self.module:
            return False
        if base.id == "self":
            return id(scope.node) in self.methods and scope.node.name not in BUILDS
        return base.id not in scope.local and any(type(each) is ast.Call for each in self.names.all_of(base.id))

    def kept(self):
        """Attributes of kept objects that only go up, or only down; those that are set back, or go up as often as down, are no counters."""
        steps, reset = {}, set()
        for scope in self.scopes[1:]:
            for node in scope.nodes:
                if type(node) is ast.AugAssign and type(node.target) is ast.Attribute and type(node.op) in STEPPING:
                    number = self.names.fold(node.value)
                    if isinstance(number, (int, float)) and self.is_kept(node.target.value, scope):
                        steps.setdefault(node.target.attr, []).append(number if type(node.op) is ast.Add else -number)
                elif type(node) is ast.Assign:
                    for target in (each for each in node.targets if type(each) is ast.Attribute):
                        if self.steps(node.value) and self.recurs(target, node.value):
                            steps.setdefault(target.attr, []).extend([1] if self.is_kept(target.value, scope) else [])
                        elif getattr(scope.node, "name", "") != "__init__":
                            reset.add(target.attr)
        sums = {name: sum(numbers) for name, numbers in steps.items() if name not in reset}
        return {name: COUNT if total < 0 else frozenset({"kept"}) for name, total in sums.items() if total}

    # what is counted

    def marks(self, attribute, kinds):
        before = self.attributes.get(attribute, NOTHING)
        self.attributes[attribute] = before | kinds
        return self.attributes[attribute] != before

    def steps(self, value):
        """Whether a value is made by adding a number that is written out, or by scaling with one."""
        return (
            type(value) is ast.BinOp
            and type(value.op) in SCALING
            and any(self.is_number(each) for each in ((value.left, value.right) if type(value.op) in STEPPING else (value.right,)))
        )

    def is_number(self, node):
        """Whether a number is written out, here or where a name got its only value."""
        named = [each.id for each in ast.walk(node) if type(each) is ast.Name]
        return isinstance(self.names.fold(node), (int, float)) and all(len(self.names.values.get(name, ())) == 1 for name in named)

    def recurs(self, target, value):
        """Whether a value is made from what its target held, as `f.n = getattr(f, "n", 0) + 1` is."""
        plain = ast.dump(target).replace("Store()", "Load()")
        if type(target) is ast.Attribute:
            return any(getattr(each, "attr", None) == target.attr or self.names.text(each) == target.attr for each in ast.walk(value))
        if type(target) is ast.Subscript:
            held_there = ast.dump(target.value)
            return any(ast.dump(each) == held_there for each in ast.walk(value) if type(each) is type(target.value))
        return any(type(each) is ast.Name and ast.dump(each) == plain for each in ast.walk(value))

    def counted(self, target, scope):
        if type(target) is ast.Name:
            return target.id in scope.outer and scope.add(target.id, COUNT)
        if type(target) is ast.Attribute:
            return self.shared(target.value, scope) and self.marks(target.attr, COUNT)
        if type(target) is ast.Subscript and type(target.value) is ast.Attribute:
            return self.shared(target.value.value, scope) and self.marks(target.value.attr, COUNT)
        return type(target) is ast.Subscript and self.lasts(target.value, scope) and scope.add(target.value.id, COUNT)

    def shared(self, base, scope):
        """Whether attributes of this are one for all calls: a function, a class or a module, not an object."""
        if type(base) is ast.Name:
            return base.id == "cls" or (base.id not in scope.local and (base.id in self.names.defined or base.id in self.names.imported))
        return (type(base) is ast.Call and self.names.dotted(base.func) == "builtins.type") or getattr(base, "attr", "") == "__class__"

    def lasts(self, node, scope):
        """Whether a name holds one object for all calls: of the module or of a function around, or a default."""
        if type(node) is not ast.Name or scope is self.module:
            return False
        return type(scope.defaults.get(node.id)) in MUTABLE or (node.id not in scope.local and node.id in self.names.values)

    def grows(self, node, scope):
        grown = frozenset({"grown"})
        if type(node) is ast.Attribute:
            return self.is_kept(node.value, scope) and held(node) not in self.cleared and self.marks(node.attr, grown)
        if type(node) is ast.Subscript:
            rows = self.lasts(node.value, scope) and self.names.fold(node.slice) is not None
            return rows and node.value.id not in self.cleared and scope.add(node.value.id, frozenset({"rows"}))
        return self.lasts(node, scope) and node.id not in self.cleared and scope.add(node.id, grown)

    # iterators that last

    def iterators(self, value):
        """What is kept in a value, or in a container that is written out: an iterator, or the function that takes its next item."""
        kind = type(value)
        if kind in (ast.List, ast.Tuple, ast.Set, ast.Dict):
            return NOTHING.union(*(self.iterators(each) for each in (value.values if kind is ast.Dict else value.elts) if each))
        if kind is ast.Attribute and value.attr in ("__next__", "send"):
            return frozenset({"count()"}) if "counter" in self.iterators(value.value) else NOTHING
        if kind is ast.Name:
            return self.module.known(value.id) & {"counter", "count()"}
        made = self.names.dotted(value)
        is_iterator = kind is ast.GeneratorExp or made in sources.COUNTERS or (made.startswith("itertools.") and made.endswith("()"))
        if is_iterator or (kind is ast.Call and self.is_generator(value.func)):
            return frozenset({"counter"})
        if made == "functools.partial()" and any("counter" in self.iterators(each) for each in value.args):
            return frozenset({"count()"})
        return NOTHING

    def is_generator(self, func):
        inner = self.functions.get(getattr(func, "id", ""))
        return inner is not None and any(type(each) in (ast.Yield, ast.YieldFrom) for each in inner.nodes)


def held(node):
    """What a container is called, as a name or an attribute."""
    return node.id if type(node) is ast.Name else f".{node.attr}" if type(node) is ast.Attribute else ""


def is_script(node):
    """Whether this is what a file does only where it is the program."""
    return type(node) is ast.If and any(getattr(each, "id", "") == "__name__" for each in ast.walk(node.test))


def refilled(node, scope):
    """What an assignment puts something into, or sets anew from within a function."""
    targets = node.targets if type(node) is ast.Assign else [node.target]
    found = {held(each.value) for each in targets if type(each) is ast.Subscript}
    found |= {each.id for each in targets if type(each) is ast.Name and (each.id in scope.outer or type(node) is ast.AugAssign)}
    inits = getattr(scope.node, "name", "__init__") == "__init__"
    return found | {held(each) for each in targets if type(each) is ast.Attribute and not inits}
