"""Which names belong to which function of a Python file; used inside the child of `runner.parsing`."""

import ast

from spelt import FUNCTIONS

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.Call)


class Scope:
    """A function, or the module with its classes' bodies; `nodes` are its own, not those of functions inside it."""

    def __init__(self, node, above):
        self.node, self.above = node, above
        self.nodes, self.local, self.outer = [], set(), set()
        self.kinds = {}
        self.defaults = dict(defaults(node.args)) if type(node) in FUNCTIONS else {}
        self.parameters = [each.arg for each in parameters(node.args)] if type(node) in FUNCTIONS else []
        self.local.update(self.parameters)

    def home(self, name):
        """The scope that a name belongs to."""
        scope = self
        while scope.above is not None and name not in scope.local:
            scope = scope.above
        return scope

    def known(self, name):
        return self.home(name).kinds.get(name, frozenset())

    def add(self, name, kinds):
        """Whether that is news."""
        scope = self.home(name)
        before = scope.kinds.get(name, frozenset())
        scope.kinds[name] = before | kinds
        return scope.kinds[name] != before


def parameters(given):
    every = [*getattr(given, "posonlyargs", ()), *given.args, *given.kwonlyargs]
    return [*every, *(each for each in (given.vararg, given.kwarg) if each)]


def defaults(given):
    plain = [*getattr(given, "posonlyargs", ()), *given.args]
    yield from zip([each.arg for each in plain[len(plain) - len(given.defaults) :]], given.defaults)  # noqa: B905  Python 3.8
    yield from ((each.arg, value) for each, value in zip(given.kwonlyargs, given.kw_defaults) if value)  # noqa: B905  Python 3.8


def scopes_of(tree):
    """Every scope, the module's first, and the ids of statements that stand in a class's body itself."""
    module = Scope(tree, None)
    found, in_class, todo = [module], set(), [(node, module) for node in reversed(tree.body)]
    while todo:
        node, scope = todo.pop()
        scope.nodes.append(node)
        kind = type(node)
        if kind in FUNCTIONS:
            scope.local.add(node.name)
            inner = Scope(node, scope)
            found.append(inner)
            outside = [*node.decorator_list, *(value for _, value in defaults(node.args))]
            todo += [(each, inner) for each in reversed(node.body)] + [(each, scope) for each in outside]
            continue
        if kind is ast.ClassDef:
            in_class.update(id(each) for each in node.body)
        elif kind is ast.Name and type(node.ctx) is ast.Store:
            scope.local.add(node.id)
        elif kind in (ast.Global, ast.Nonlocal):
            scope.outer.update(node.names)
        todo += [(each, scope) for each in reversed(list(ast.iter_child_nodes(node)))]
    for scope in found:
        scope.local -= scope.outer
    return found, in_class
