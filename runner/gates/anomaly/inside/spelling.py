"""What an expression of a test says, whatever its layout and whatever its local variables are called; runs in the child of `runner.parsing`."""

import ast
from hashlib import blake2b
from itertools import islice

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LITERALS = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load, ast.BinOp, ast.operator)
MOST_PARTS = 12
MOST_SAID = 80


def digest(text):
    """Twelve hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def dotted(node, names):
    """The full name of `a.b.c` by the imports and aliases of a module; empty for anything else."""
    parts = []
    while type(node) is ast.Attribute:
        parts.append(node.attr)
        node = node.value
    if type(node) is not ast.Name:
        return ""
    return ".".join((names.get(node.id, node.id), *reversed(parts)))


def is_literal(node):
    """Whether an expression is written out, and stands for the same wherever it is."""
    return all(isinstance(part, LITERALS) for part in ast.walk(node))


def truth(node):
    """True or False where a condition is that whatever happens; None where it depends."""
    kind = type(node)
    if kind is ast.Constant:
        return bool(node.value)
    if kind in (ast.Tuple, ast.List, ast.Set):
        return bool(node.elts) if not any(type(one) is ast.Starred for one in node.elts) else None
    if kind is ast.UnaryOp and type(node.op) is ast.Not:
        known = truth(node.operand)
        return None if known is None else not known
    if kind is ast.BoolOp:
        return _of_several([truth(value) for value in node.values], ends=type(node.op) is ast.Or)
    return _of_literals(node) if kind is ast.Compare and len(node.ops) == 1 and is_literal(node.left) else None


def _of_several(known, *, ends):
    """`or` ends at the first that is true, `and` at the first that is false."""
    if ends in known:
        return ends
    return None if None in known else not ends


def _of_literals(node):
    right = node.comparators[0]
    if not is_literal(right) or type(node.ops[0]) not in (ast.Eq, ast.Is, ast.NotEq, ast.IsNot):
        return None
    return (ast.dump(node.left) == ast.dump(right)) == (type(node.ops[0]) in (ast.Eq, ast.Is))


class Spelling:
    """The expressions of one function: a variable that it binds once is what it was bound to."""

    def __init__(self, function=None):
        self.bound, self.known, self.open = {}, {}, set()
        if function is not None:
            self.learn(function)

    def learn(self, function):
        """Names that are assigned once, plainly, and nowhere bound in another way."""
        counts = {}
        for node in ast.walk(function):
            if type(node) is ast.Name and type(node.ctx) is not ast.Load:
                counts[node.id] = counts.get(node.id, 0) + 1
        for node in ast.walk(function):
            plain = type(node) is ast.Assign and len(node.targets) == 1 and type(node.targets[0]) is ast.Name
            if plain and counts[node.targets[0].id] == 1:
                self.bound[node.targets[0].id] = node.value

    def of(self, node):
        """A digest of what an expression says."""
        return digest(self.text(node))

    def text(self, node):
        """What a node says; a long one by its digest, so that what is put in place of a variable says the same as if it stood there."""
        if isinstance(node, list):
            return f"[{','.join(self.text(one) for one in node)}]"
        if not isinstance(node, ast.AST):
            return repr(node)
        kind = type(node)
        if kind is ast.Name:
            return self.name(node.id)
        if kind is ast.Constant:
            said = f"{type(node.value).__name__}:{node.value!r}"
        else:
            fields = (self.text(value) for field, value in ast.iter_fields(node) if field not in ("ctx", "kind"))
            said = f"{kind.__name__}({','.join(fields)})"
        return said if len(said) < MOST_SAID else f"${digest(said)}"

    def name(self, name):
        if name not in self.bound or name in self.open:
            return name
        if name not in self.known:
            self.open.add(name)
            self.known[name] = self.text(self.bound[name])
            self.open.discard(name)
        return self.known[name]

    def parts(self, node):
        """Digests of what an expression is made of: calls, names, attributes and items."""
        wanted = (part for part in ast.walk(node) if type(part) in (ast.Call, ast.Name, ast.Attribute, ast.Subscript) and part is not node)
        return [self.of(part) for part in islice(wanted, MOST_PARTS)]


def shape(node):
    """What an expression looks like once every text, number and variable in it is left open."""
    if isinstance(node, list):
        return f"[{','.join(shape(one) for one in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    kind = type(node)
    if kind is ast.Name or is_literal(node):
        return "_"
    if kind is ast.Call:
        called = node.func.attr if type(node.func) is ast.Attribute else getattr(node.func, "id", "_")
        return f"{called}({','.join(shape(one) for one in (*node.args, *(word.value for word in node.keywords)))})"
    return f"{kind.__name__}({','.join(shape(value) for field, value in ast.iter_fields(node) if field not in ('ctx', 'kind', 'type_comment'))})"


def body_of(function):
    """The statements of a function without its docstring."""
    first = function.body[0]
    documented = type(first) is ast.Expr and type(first.value) is ast.Constant and isinstance(first.value.value, str)
    return function.body[1:] if documented else function.body


def meaning(function):
    """A digest of what a function does: neither its docstring nor the names of its own variables count."""
    own = {arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    stored = [node.id for node in ast.walk(function) if type(node) is ast.Name and type(node.ctx) is ast.Store]
    order = {name: f"v{number}" for number, name in enumerate(dict.fromkeys([*stored])) if name not in own}
    spelled = _Renamed(order)
    return digest("".join(spelled.text(statement) for statement in body_of(function)))


class _Renamed(Spelling):
    def __init__(self, order):
        super().__init__()
        self.order = order

    def name(self, name):
        return self.order.get(name, name)
