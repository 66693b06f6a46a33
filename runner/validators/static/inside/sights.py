"""Finds what the rule pack names in one Python file; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import gc
import json
from collections import Counter

from meanings import BUILTINS, FUNCTIONS, GUARDED, STATE, Meanings, below

MOST = 300
RUNNERS = {"pytest", "_pytest", "py.test", "unittest", "nose", "nose2", "doctest"}
DECODERS = (
    "base64.",
    "zlib.decompress",
    "binascii.",
    "codecs.decode",
    "bz2.decompress",
    "lzma.decompress",
    "gzip.decompress",
    "bytes.fromhex",
)


def fresh(content, _version):
    """JSON of the hits that a file has and its source on the base has not; `content` is a length, the base's text of it, the text."""
    gc.disable()  # trees are made of much that lasts, and nothing of this process outlives them
    length, _, rest = content.partition(b"\n")
    old, new = rest[: int(length)], rest[int(length) :]
    tree = ast.parse(new)
    try:
        found = hits(tree)
        known = Counter(key for *_, key in earlier(old)) if found and old else Counter()
    except (RecursionError, MemoryError):
        raise
    except Exception as problem:  # a fault of ours must not read as a file that does not parse
        return json.dumps(f"{type(problem).__name__} while it was searched")
    found = [hit for hit in found if not took(known, hit[-1])]
    return json.dumps([hit[:-1] for hit in found[:MOST]])


def earlier(content):
    """The hits of the base's text; none when it does not parse."""
    try:
        return hits(ast.parse(content))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def took(known, key):
    """Whether one of the known is left to stand for this; what is in one place twice is new once."""
    known[key] -= 1
    return known[key] >= 0


def hits(tree):
    """Every hit of a file: rule, line, end line, whether it runs at import, the name, and what makes it the same elsewhere."""
    return sorted(_Reading(tree).hits(), key=lambda hit: hit[1])


class _Reading(Meanings):
    """One file: what of it runs at import, and what the rules find."""

    def __init__(self, tree):
        super().__init__(tree)
        self.found, self.done = [], set()
        self.running = self.called_at_import()

    def called_at_import(self):
        """Functions of the module that its own top level calls, or decorates with, and what these call in turn."""
        functions = {node.name: node for node in self.tree.body if type(node) in FUNCTIONS}
        if not functions:
            return set()
        running, fronts = set(), [node for node in self.tree.body if node not in self.main]
        while fronts:
            names = set()
            for node in self.at_once(fronts):
                if type(node) is ast.Call and type(node.func) is ast.Name:
                    names.add(node.func.id)
                elif type(node) in FUNCTIONS or type(node) is ast.ClassDef:
                    names.update(one.id for one in node.decorator_list if type(one) is ast.Name)
            new = {name for name in names if name in functions and name not in running}
            running |= new
            fronts = [statement for name in new for statement in functions[name].body]
        return {functions[name] for name in running}

    def at_once(self, fronts):
        """Every node that runs when the statements do: not the bodies of functions that they define."""
        todo = list(fronts)
        while todo:
            node = todo.pop()
            yield node
            if type(node) in FUNCTIONS:
                todo.extend(node.decorator_list)
            elif type(node) is not ast.Lambda and node not in self.main:
                todo.extend(ast.iter_child_nodes(node))

    # hits

    def hits(self):
        """Walk with a stack of our own, since hostile code nests deep."""
        todo = [(node, node not in self.main, node) for node in reversed(self.tree.body)]
        scopes = {}
        while todo:
            node, at_import, scope = todo.pop()
            look = _LOOKS.get(type(node))
            if look is not None:
                look(self, node, at_import, scopes.setdefault(scope, (set(), [])))
            todo.extend(self.parts(node, at_import, scope))
        for states, texts in scopes.values():
            if states:
                for node, at_import in texts:
                    self.hit(self.looked["shape"]["asks-for-tests"], node, at_import, node.value)
        return self.found

    def parts(self, node, at_import, scope):
        """What is below a node, whether it runs at import, and the function or statement of the module that it is in."""
        kind = type(node)
        if kind in FUNCTIONS:
            arguments = (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults)
            return [(part, at_import, scope) for part in arguments if part] + [(part, node in self.running, node) for part in node.body]
        if kind is ast.Lambda:
            return [(node.body, False, scope)]
        if kind is ast.Call and type(node.func) is ast.Lambda:
            return [(part, at_import, scope) for part in (node.func.body, *node.args, *node.keywords)]
        if kind is ast.If and at_import and node.body[0] in self.main:
            return [(part, False, scope) for part in node.body] + [(part, True, scope) for part in node.orelse]
        if kind in (ast.Constant, ast.Name, ast.Import, ast.ImportFrom):
            return []
        return [(part, at_import, scope) for part in ast.iter_child_nodes(node)]

    def hit(self, rule, node, at_import, name):
        if rule is None or (rule in self.imported_only and not at_import) or (rule, id(node)) in self.done:
            return
        self.done.add((rule, id(node)))
        parts = (
            (*node.args, *node.keywords)
            if type(node) is ast.Call
            else [value for value in [getattr(node, "value", None)] if isinstance(value, ast.AST)]
        )
        what = " ".join(ast.dump(part) for part in parts) if len(self.found) < MOST else ""
        self.found.append((rule, node.lineno, node.end_lineno, at_import, name[:80], f"{rule} {at_import} {name} {what}"))

    def call(self, node, at_import, _scope):
        name = self.dotted(node.func)
        for keyword in node.keywords:
            if type(keyword.value) is ast.Constant and keyword.value.value is not None:
                self.hit(self.looked["keywords"].get(f"{keyword.arg}={bool(keyword.value.value)}"), node, at_import, f"{keyword.arg}=")
        if not name:
            return
        rule = below(name, self.looked["calls"])
        if rule:
            self.done.add(("refs", id(node.func)))
            if name in ("builtins.exec", "builtins.eval", "builtins.compile") and self.is_decoded(node):
                rule = self.looked["shape"]["decoded-code"]
            self.hit(rule, node, at_import, name)
        if name in ("builtins.setattr", "builtins.delattr") and len(node.args) > 1:
            self.write(f"{self.dotted(node.args[0])}.{self.text(node.args[1])}", node, at_import)
        elif name.startswith("sys.modules.") and name.rpartition(".")[2] in ("update", "setdefault", "clear", "popitem", "__setitem__"):
            self.write("sys.modules", node, at_import)
        elif (
            name == "builtins.getattr" and len(node.args) > 1 and not self.is_plain(node.args[1]) and self.dotted(node.args[0]) in GUARDED
        ) or (name in ("builtins.__import__", "importlib.import_module") and node.args and self.is_built(node.args[0])):
            self.hit(self.looked["shape"]["built-name"], node, at_import, name)

    @staticmethod
    def is_plain(node):
        return type(node) is ast.Constant

    def is_built(self, node):
        """Whether a text is put together of pieces that are all written out, which only hides it."""
        return type(node) is not ast.Constant and bool(self.text(node))

    def is_decoded(self, call):
        todo = list(call.args[:1])
        while todo:
            node = todo.pop()
            if type(node) is ast.Call:
                name = self.dotted(node.func) or ast.unparse(node.func)[:60]
                if name.startswith(DECODERS):
                    return True
            todo.extend(ast.iter_child_nodes(node))
        return False

    def reference(self, node, at_import, scope):
        if type(node.ctx) is not ast.Load:
            return
        if type(node) is ast.Name and node.id not in self.names and (node.id in self.bound or (node.id not in BUILTINS and not self.stars)):
            return
        name = self.dotted(node)
        if not name:
            return
        if name in STATE:
            scope[0].add(name)
        if ("refs", id(node)) not in self.done:
            self.hit(self.looked["refs"].get(name), node, at_import, name)

    def imported(self, node, at_import, _scope):
        if type(node) is ast.ImportFrom and node.level:
            return
        modules = [alias.name for alias in node.names] if type(node) is ast.Import else [node.module or ""]
        for module in modules:
            self.hit(self.looked["imports"].get(module.partition(".")[0]), node, at_import, module)

    def string(self, node, at_import, scope):
        if not isinstance(node.value, str) or node in self.docs:
            return
        self.hit(self.looked["strings"].get(node.value), node, at_import, node.value)
        if node.value in RUNNERS:
            scope[1].append((node, at_import))

    def assigned(self, node, at_import, _scope):
        targets = node.targets if type(node) in (ast.Assign, ast.Delete) else [node.target]
        while targets:
            target, *targets = targets
            if type(target) in (ast.Tuple, ast.List):
                targets = [*target.elts[:50], *targets]
            elif type(target) is ast.Attribute:
                self.write(f"{self.dotted(target.value)}.{target.attr}", node, at_import)
            elif type(target) is ast.Subscript:
                base = self.dotted(target.value)
                if base == "sys.modules" and type(target.slice) is ast.Name and target.slice.id == "__name__":
                    continue
                self.write(base if base == "sys.modules" else f"{base}.{self.text(target.slice)}", node, at_import)

    def write(self, name, node, at_import):
        parts = name.split(".")
        for front in (*(".".join(parts[:at]) for at in range(len(parts), 0, -1)), f"*.{parts[-1]}"):
            rule = self.looked["writes"].get(front)
            if rule:
                self.hit(rule, node, at_import, name)
                return

    def function(self, node, at_import, _scope):
        for front, rule in self.looked["hooks"].items():
            if node.name.startswith(front):
                self.hit(rule, node, at_import, node.name)

    def class_(self, node, at_import, _scope):
        for part in node.body:
            name, given = "", []
            if type(part) in FUNCTIONS:
                name, given = part.name, [one.value for one in self.at_once(part.body) if type(one) is ast.Return]
            elif type(part) is ast.Assign and type(part.targets[0]) is ast.Name and type(part.value) is ast.Lambda:
                name, given = part.targets[0].id, [part.value.body]
            always = {"__eq__": True, "__ne__": False}.get(name)
            if always is not None and given and all(type(one) is ast.Constant and one.value is always for one in given):
                self.hit(self.looked["shape"]["equal-to-all"], part, at_import, f"{node.name}.{name}")

    def raised(self, node, at_import, _scope):
        if type(node.exc) is ast.Name and node.exc.id == "SystemExit":
            self.hit(self.looked["shape"]["raise-exit"], node, at_import, "SystemExit")


_LOOKS = {
    ast.Call: _Reading.call,
    ast.Attribute: _Reading.reference,
    ast.Name: _Reading.reference,
    ast.Import: _Reading.imported,
    ast.ImportFrom: _Reading.imported,
    ast.Constant: _Reading.string,
    ast.Assign: _Reading.assigned,
    ast.AugAssign: _Reading.assigned,
    ast.AnnAssign: _Reading.assigned,
    ast.Delete: _Reading.assigned,
    ast.FunctionDef: _Reading.function,
    ast.AsyncFunctionDef: _Reading.function,
    ast.ClassDef: _Reading.class_,
    ast.Raise: _Reading.raised,
}
