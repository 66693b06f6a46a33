"""Tells what outlives a call and counts calls; used inside the child of `runner.parsing`."""

import ast

from scopes import MUTABLE, scopes_of

NOTHING = frozenset()


class Counting:
    """One file: its scopes, and which of its names and attributes are counted up or down, or grow, from call to call."""

    def __init__(self, tree, names):
        self.names = names
        self.scopes, self.in_class = scopes_of(tree)
        self.module = self.scopes[0]
        self.attributes = {}
        self.cleared = self.emptied()

    def emptied(self):
        """Names of what is emptied somewhere, as caches are; their size is no counter."""
        found = set()
        for scope in self.scopes:
            for node in scope.nodes:
                if type(node) is ast.Call and type(node.func) is ast.Attribute and node.func.attr in ("clear", "pop", "popleft", "popitem"):
                    found.add(getattr(node.func.value, "id", ""))
                elif type(node) is ast.Delete:
                    found.update(getattr(each.value, "id", "") for each in node.targets if type(each) is ast.Subscript)
        return found

    def marks(self, attribute, kinds):
        before = self.attributes.get(attribute, NOTHING)
        self.attributes[attribute] = before | kinds
        return self.attributes[attribute] != before

    def steps(self, value):
        """Whether a value is made by adding a number that is written out."""
        return (
            type(value) is ast.BinOp
            and type(value.op) in (ast.Add, ast.Sub)
            and any(self.is_number(each) for each in (value.left, value.right))
        )

    def is_number(self, node):
        """Whether a number is written out, here or where a name got its only value."""
        named = [each.id for each in ast.walk(node) if type(each) is ast.Name]
        return isinstance(self.names.fold(node), int) and all(len(self.names.values.get(name, ())) == 1 for name in named)

    def recurs(self, target, value):
        """Whether a value is made from what its target held, as `f.n = getattr(f, "n", 0) + 1` is."""
        plain = ast.dump(target).replace("Store()", "Load()")
        if type(target) is ast.Attribute:
            return any(getattr(each, "attr", None) == target.attr or self.names.text(each) == target.attr for each in ast.walk(value))
        if type(target) is ast.Subscript:
            held = ast.dump(target.value)
            return any(ast.dump(each) == held for each in ast.walk(value) if type(each) is type(target.value))
        return any(type(each) is ast.Name and ast.dump(each) == plain for each in ast.walk(value))

    def counted(self, target, scope):
        count = frozenset({"count"})
        if type(target) is ast.Name:
            return target.id in scope.outer and scope.add(target.id, count)
        if type(target) is ast.Attribute:
            return self.shared(target.value, scope) and self.marks(target.attr, count)
        if type(target) is ast.Subscript and type(target.value) is ast.Attribute:
            return self.shared(target.value.value, scope) and self.marks(target.value.attr, count)
        return type(target) is ast.Subscript and self.lasts(target.value, scope) and scope.add(target.value.id, count)

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
        return self.lasts(node, scope) and node.id not in self.cleared and scope.add(node.id, frozenset({"grown"}))
