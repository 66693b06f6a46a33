"""Tells what a Python file writes out, and where a clock decides by it without a test; used inside the child of `runner.parsing`."""

import ast

import sources
from following import Following

FIRST_TO_COME = 2027
"""The first year of which a written-out date is a moment still to come."""
AS_KEY = {"get", "__getitem__", "pop"}


class Timing(Following):
    """One file: which expressions are fixed by it, and what of it hangs on a moment, or is put off."""

    def __init__(self, tree, names):
        super().__init__(tree, names)
        self.fixed_nodes = {}

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
            return all(self.fixed(each, home) for each in self.names.all_of(name))
        told = home.known(name) or self.names.dotted(node) or name in ("__file__", "__cached__")
        return bool(told) or name in self.names.defined

    # decisions without a test

    def hidden(self, node, scope):
        """A clock that decides by how often a loop runs, a row of a table, or what is left of a number; and what is put off."""
        kind = type(node)
        if kind in (ast.For, ast.AsyncFor, ast.comprehension) and self.names.dotted(node.iter) == "builtins.range()":
            kinds = self.kinds(node.iter, scope)
            if "clock" in kinds and ("tick" in kinds or len(node.iter.args) == 1) and self.fixed(node.iter, scope):
                yield "clock", node.iter
        elif (
            (kind is ast.BinOp and type(node.op) in (ast.Sub, ast.Div, ast.FloorDiv) and self.is_cut(node, scope))
            or (kind is ast.Subscript and self.chooses(node.value, node.slice, scope))
            or (kind is ast.Call and self.is_late_call(node, scope))
        ):
            yield "clock", node

    def is_late_call(self, node, scope):
        """Whether a call chooses by a clock, as `get` of a table does, bounds one, or puts something off."""
        name, method = self.names.dotted(node.func), getattr(node.func, "attr", "")
        return (
            (method in AS_KEY and bool(node.args) and self.chooses(node.func.value, node.args[0], scope))
            or (name in ("builtins.min", "builtins.max") and self.is_bounded(node, scope))
            or self.puts_off(node, name, method, scope)
        )

    def is_cut(self, node, scope):
        """Whether a clock is set against a moment still to come, which leaves 0 or 1, or less than 0 or more."""
        for clock, other in ((node.left, node.right), (node.right, node.left)):
            if "clock" in self.kinds(clock, scope) and self.is_to_come(other, scaled=type(node.op) is ast.Sub):
                return True
        return False

    def is_bounded(self, call, scope):
        """Whether a clock goes no further than to a moment still to come, or begins with it."""
        return any("clock" in self.kinds(each, scope) for each in call.args) and any(
            self.is_to_come(each, scaled=True) for each in call.args
        )

    def is_to_come(self, node, *, scaled):
        if type(node) is ast.Call and self.names.dotted(node.func) in ("datetime.datetime", "datetime.date") and node.args:
            year = self.names.fold(node.args[0])
            return isinstance(year, int) and year >= FIRST_TO_COME
        number = self.names.fold(node)
        number = abs(number) if isinstance(number, (int, float)) else 0
        if not scaled:
            return sources.LATE <= number <= sources.LAST and number not in (2**31, 2**32, 3600 * 10**6)
        while number > sources.FAR:
            number /= 1000
        return sources.LATE <= number <= sources.LAST

    def chooses(self, table, key, scope):
        """Whether ticks of a clock choose among other things than texts, as those of a spinner are."""
        if "tick" not in self.kinds(key, scope) or not self.fixed(key, scope):
            return False
        for each in self.names.all_of(table.id) if type(table) is ast.Name else (table,):
            rows = each.values if type(each) is ast.Dict else each.elts if type(each) in (ast.List, ast.Tuple) else ()
            if not all(self.names.text(row) for row in rows):
                return True
        return False

    def puts_off(self, node, name, method, scope):
        """Whether something is done only after a written-out time, longer than any trial, or from the import of the module on."""
        at = sources.TIMERS.get(name, sources.TIMERS.get(method if "." not in method else ""))
        given = (
            [*node.args[at : at + 1], *(each.value for each in node.keywords if each.arg in ("interval", "delay", "seconds"))]
            if at is not None
            else []
        )
        numbers = [self.names.fold(each) for one in given for each in ast.walk(one)]
        longest = max((each for each in numbers if isinstance(each, (int, float))), default=0)
        at_import = scope is self.module and name in sources.TIMERS
        return longest >= sources.LONG or (at_import and longest > 0)


def is_name(dotted):
    """Whether a dotted name leads through modules only, and through nothing that is called or looked up."""
    return bool(dotted) and not set(dotted) & set("([")
