"""What the expressions of one Python file spell, however they spell it; used inside the child of `runner.parsing`."""

import ast
import base64
import builtins
import codecs
import operator
import re

MOST_DEPTH = 60
MOST_TEXT = 4000
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
REFERENCES = (ast.Attribute, ast.Name, ast.Call, ast.Subscript, ast.NamedExpr, ast.Await)
_SPECS = re.compile(r"%[sdrc%]|\{\}|\{\d\}|[^%{}]")
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.FloorDiv: operator.floordiv,
}
MAKERS = {
    "random.Random()",
    "random.SystemRandom()",
    "secrets.SystemRandom()",
    "numpy.random.default_rng()",
    "itertools.count()",
    "globals()",
}
"""Calls that a name may stand for; what others give is followed as a value."""
_METHODS = {"upper", "lower", "strip", "lstrip", "rstrip", "title", "swapcase", "capitalize", "replace", "split", "decode", "encode", "hex"}


class Names:
    """The names of one file: imports, assignments, and what the file defines itself."""

    def __init__(self, tree):
        self.imported, self.values, self.defined = {}, {}, {}
        self.folded, self.named, self.level = {}, {}, 0
        for node in ast.walk(tree):
            kind = type(node)
            if kind is ast.Import:
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self.imported[alias.asname or top] = alias.name if alias.asname else top
            elif kind is ast.ImportFrom:
                module = "." * node.level + (node.module or "")
                self.imported.update((alias.asname or alias.name, f"{module}.{alias.name}") for alias in node.names)
            elif kind in FUNCTIONS or kind is ast.ClassDef:
                self.defined[node.name] = node
            elif kind is ast.Assign:
                self.assigned(node.targets, node.value)
            elif kind in (ast.AnnAssign, ast.NamedExpr) and node.value is not None:
                self.assigned([node.target], node.value)

    def assigned(self, targets, value):
        for target in targets:
            if type(target) is ast.Name:
                self.values.setdefault(target.id, []).append(value)
            elif type(target) is ast.Tuple and type(value) is ast.Tuple and len(target.elts) == len(value.elts):
                for one, given in zip(target.elts, value.elts):  # noqa: B905  Python 3.8; lengths are equal
                    self.assigned([one], given)

    # names

    def dotted(self, node):
        """What an expression stands for, as a dotted name; `()` for a call and `[]` for an item; empty when it cannot be told."""
        if type(node) not in REFERENCES:
            return ""
        return self.once(self.named, node, self.reference, "")

    def once(self, table, node, look, nothing):
        """What is found of a node, found once; while it is being found it is nothing, since names go round in circles."""
        if id(node) not in table:
            if self.level > MOST_DEPTH:
                return nothing
            table[id(node)] = nothing
            self.level += 1
            table[id(node)] = look(node)
            self.level -= 1
        return table[id(node)]

    def reference(self, node):
        kind = type(node)
        if kind is ast.Attribute:
            front = self.dotted(node.value)
            return f"{front}.{node.attr}" if front else ""
        if kind is ast.Name:
            return self.name(node.id)
        if kind is ast.Call:
            return self.called(node)
        if kind is ast.Subscript:
            return self.item(self.dotted(node.value), self.text(node.slice))
        return self.dotted(node.value)

    def name(self, name):
        if name in self.imported:
            return self.imported[name]
        for value in self.values.get(name, ())[:20]:
            found = self.dotted(value)
            if found and (not found.endswith((")", "]")) or found in MAKERS):
                return found
        if name == "__builtins__":
            return "builtins"
        return f"builtins.{name}" if hasattr(builtins, name) and name not in self.defined and name not in self.values else ""

    def called(self, call):  # noqa: PLR0911  one spelling after another
        func = self.dotted(call.func)
        texts = [self.text(each) for each in call.args[:3]]
        first = self.dotted(call.args[0]) if call.args else ""
        last = func.rpartition(".")[2]
        if func in ("builtins.__import__", "importlib.import_module", "importlib.__import__") and texts and texts[0]:
            return texts[0].partition(".")[0] if "__import__" in func else texts[0]
        if func == "builtins.getattr" and len(texts) > 1 and texts[1]:
            return f"{first}.{texts[1]}" if first else ""
        if last == "__getattribute__" and texts and texts[-1]:
            front = first if len(texts) > 1 else func.rpartition(".")[0]
            return f"{front}.{texts[-1]}" if front else ""
        if func in ("builtins.vars", "builtins.globals", "builtins.locals"):
            return f"{first}.__dict__" if first else "globals()"
        if func in ("operator.attrgetter()", "operator.itemgetter()"):
            key = self.text(call.func.args[0]) if type(call.func) is ast.Call and call.func.args else ""
            return self.item(first, key) if "item" in func else f"{first}.{key}" if first and key else ""
        if func == "operator.getitem" and len(texts) > 1:
            return self.item(first, texts[1])
        if last in ("get", "__getitem__", "pop") and texts and func.rpartition(".")[0].endswith(("sys.modules", "__dict__", "globals()")):
            return self.item(func.rpartition(".")[0], texts[0])
        return f"{func}()" if func else ""

    def item(self, front, key):
        if key and front == "sys.modules" and key != "__main__":
            return key
        if key and front.endswith(".__dict__"):
            return f"{front[: -len('.__dict__')]}.{key}"
        if key and front == "globals()":
            return self.name(key) or ("builtins" if key == "__builtins__" else "")
        return f"{front}[]" if front else ""

    # texts

    def text(self, node):
        """A text that is written out, or put together from what is; empty when it cannot be told."""
        value = self.fold(node)
        return value if isinstance(value, str) else ""

    def fold(self, node, bound=None):
        """The constant that an expression is, as text, bytes, number or list; None when it is none, or large."""
        if type(node) not in _FOLDS:
            return None
        return self.bounded(node, bound) if bound else self.once(self.folded, node, self.bounded, None)

    def bounded(self, node, bound=None):
        try:
            value = _FOLDS[type(node)](self, node, bound or {})
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None
        if isinstance(value, int):
            return value if abs(value) < 2**64 else None
        return value if isinstance(value, (str, bytes, list)) and len(value) <= MOST_TEXT else None

    def constant(self, node, _bound):
        return node.value

    def named_value(self, node, bound):
        if node.id in bound:
            return bound[node.id]
        for value in self.values.get(node.id, ())[:5]:
            found = self.fold(value)
            if found is not None:
                return found
        return None

    def listed(self, node, bound):
        values = [self.fold(each, bound) for each in node.elts[:MOST_TEXT]]
        return None if None in values else values

    def joined(self, node, bound):
        return "".join(str(self.needed(getattr(each, "value", None) if self.plain(each) else each, bound)) for each in node.values)

    @staticmethod
    def plain(node):
        return type(node) is ast.FormattedValue and node.format_spec is None and node.conversion == -1

    def needed(self, node, bound):
        value = self.fold(node, bound)
        if value is None:
            raise ValueError
        return value

    def arithmetic(self, node, bound):
        left, right = self.needed(node.left, bound), self.needed(node.right, bound)
        if type(node.op) is ast.Mod and isinstance(left, str):
            return self.filled(left, lambda: left % (tuple(right) if isinstance(right, list) else right))
        if type(node.op) is ast.Mod:
            return left % right
        return _ARITHMETIC[type(node.op)](left, right)

    @staticmethod
    def filled(pattern, fill):
        """Widths are not filled, since a text of any length could be asked for."""
        return fill() if not _SPECS.sub("", pattern) else None

    def sliced(self, node, bound):
        value = self.needed(node.value, bound)
        if type(node.slice) is not ast.Slice:
            return value[self.needed(node.slice, bound)]
        ends = [each and self.needed(each, bound) for each in (node.slice.lower, node.slice.upper, node.slice.step)]
        return value[slice(*ends)]

    def negative(self, node, bound):
        return -self.needed(node.operand, bound) if type(node.op) is ast.USub else None

    def comprehended(self, node, bound):
        (part,) = node.generators
        if part.ifs or type(part.target) is not ast.Name:
            return None
        return [self.needed(node.elt, dict(bound, **{part.target.id: each})) for each in list(self.needed(part.iter, bound))[:200]]

    def calculated(self, node, bound):  # noqa: PLR0911  one call after another
        if node.keywords:
            return None
        name = self.dotted(node.func)
        args = [] if name == "builtins.map" else [self.needed(each, bound) for each in node.args[:5]]
        if name == "builtins.map":
            made = {"builtins.chr": chr, "builtins.str": str}[self.dotted(node.args[0])]
            return [made(each) for each in self.needed(node.args[1], bound)]
        if name in _CALLS:
            return _CALLS[name](*args)
        if type(node.func) is not ast.Attribute:
            return None
        owner, method = self.needed(node.func.value, bound), node.func.attr
        if method == "join":
            return owner.join(args[0])
        if method == "format":
            return self.filled(owner, lambda: owner.format(*args))
        return getattr(owner, method)(*args) if method in _METHODS and isinstance(owner, (str, bytes)) else None


_CALLS = {
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.str": lambda one, *rest: one.decode(*rest) if rest else str(one),
    "builtins.bytes": lambda one, *_: bytes(one) if isinstance(one, list) else one.encode() if isinstance(one, str) else None,
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.reversed": lambda one: list(reversed(one)),
    "builtins.list": list,
    "builtins.tuple": list,
    "base64.b64decode": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "codecs.decode": lambda one, how: codecs.decode(one, how) if how in ("rot13", "rot_13", "utf-8", "hex") else None,
    "codecs.encode": lambda one, how: codecs.encode(one, how) if how in ("rot13", "rot_13", "utf-8") else None,
}
_FOLDS = {
    ast.Constant: Names.constant,
    ast.Name: Names.named_value,
    ast.List: Names.listed,
    ast.Tuple: Names.listed,
    ast.JoinedStr: Names.joined,
    ast.BinOp: Names.arithmetic,
    ast.UnaryOp: Names.negative,
    ast.Subscript: Names.sliced,
    ast.GeneratorExp: Names.comprehended,
    ast.ListComp: Names.comprehended,
    ast.Call: Names.calculated,
}
