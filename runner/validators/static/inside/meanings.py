"""What the names and texts of one Python file stand for; used inside the child of `runner.parsing`."""

import ast
import json
import os
from collections import deque
from functools import cache

MOST_DEPTH = 40
GUARDED = {"os", "sys", "builtins", "subprocess", "posix", "ctypes", "socket", "importlib", "marshal", "pickle", "signal", "gc"}
STATE = ("sys.modules", "sys.argv", "sys.orig_argv", "sys._getframe", "inspect.stack", "inspect.currentframe", "os.environ", "os.getenv")
BUILTINS = {"exec", "eval", "compile", "getattr", "setattr", "delattr", "__import__", "globals", "vars", "exit", "quit", "SystemExit"}
MAKERS = {f"builtins.{name}" for name in ("__import__", "getattr", "globals", "vars")} | {"importlib.import_module", "importlib.__import__"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LEAVES = (ast.Constant, ast.Name, ast.Load, ast.Store)


@cache
def pack():
    """The rules by what they look for."""
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rules.json"), "rb") as file:
        rules = json.load(file)["rules"]
    looked = {name: {} for name in ("calls", "refs", "imports", "strings", "writes", "hooks", "keywords", "shape")}
    for rule in rules:
        for name, table in looked.items():
            given = rule.get(name, ())
            for one in (given,) if isinstance(given, str) else given:
                table[one] = rule["id"]
    imported_only = {rule["id"] for rule in rules if rule["outcome"] == "allow"}
    return looked, imported_only


def below(name, table):
    """The rule for a dotted name: its own, or that of `front.*` or `front*` that covers it."""
    if name in table:
        return table[name]
    parts = name.split(".")
    for at in range(len(parts) - 1, 0, -1):
        front = ".".join(parts[:at])
        if f"{front}.*" in table:
            return table[f"{front}.*"]
        for size in range(1, len(parts[at])):
            if f"{front}.{parts[at][:size]}*" in table:
                return table[f"{front}.{parts[at][:size]}*"]
    return None


class Meanings:
    """The names of one file: imports, plain assignments of what they gave, and what the file binds itself."""

    def __init__(self, tree):
        self.tree = tree
        self.looked, self.imported_only = pack()
        self.names, self.stars, self.bound = {}, [], set()
        self.docs, self.main = set(), set()
        self.assigned = []
        todo = deque([tree])
        while todo:
            node = todo.popleft()
            learn = _LEARNT.get(type(node))
            if learn is not None:
                learn(self, node)
            if type(node) not in LEAVES:
                todo.extend(ast.iter_child_nodes(node))
        for node in tree.body:
            if type(node) in FUNCTIONS or type(node) is ast.ClassDef:
                self.names.setdefault(node.name, f".{node.name}")
        for node in self.assigned:
            self.assigns(node.targets[0].id, node.value)

    def stands_alone(self, node):
        if type(node.value) is ast.Constant:
            self.docs.add(node.value)  # a text that stands alone, as docstrings do, does nothing

    def guards(self, node):
        if self.is_main(node.test):
            self.main.update(node.body)

    def parameter(self, node):
        self.bound.add(node.arg)

    def assignment(self, node):
        if len(node.targets) == 1 and type(node.targets[0]) is ast.Name:
            self.assigned.append(node)

    def walrus(self, node):
        self.assigned.append(ast.Assign(targets=[node.target], value=node.value))

    def imports(self, node):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.names[alias.asname or top] = alias.name if alias.asname else top

    def imports_from(self, node):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
            else:
                self.names[alias.asname or alias.name] = f"{module}.{alias.name}"

    def assigns(self, target, value):
        name = self.dotted(value) if type(value) in (ast.Attribute, ast.Name, ast.Call, ast.Subscript) else ""
        if name and (
            name in GUARDED or name in STATE or name in MAKERS or below(name, self.looked["calls"]) or below(name, self.looked["refs"])
        ):
            self.names.setdefault(target, name)
        else:
            self.bound.add(target)

    @staticmethod
    def is_main(test):
        return (
            type(test) is ast.Compare
            and type(test.left) is ast.Name
            and test.left.id == "__name__"
            and type(test.ops[0]) is ast.Eq
            and type(test.comparators[0]) is ast.Constant
            and test.comparators[0].value == "__main__"
        )

    def dotted(self, node, depth=0):
        """What an expression stands for, as a dotted name of modules; empty when it cannot be told."""
        tail = []
        while type(node) is ast.Attribute:
            tail.append(node.attr)
            node = node.value
        kind = type(node)
        if kind is ast.Name:
            head = self.names.get(node.id)
            if head is None:
                head = self.starred(node.id)
        elif depth < MOST_DEPTH and kind is ast.Call:
            head = self.made(node, depth + 1)
        elif depth < MOST_DEPTH and kind is ast.Subscript:
            head = self.looked_up(node, depth + 1)
        else:
            return ""
        if not head:
            return ""
        name = ".".join([head, *reversed(tail)])
        return name.replace("builtins.__builtins__.", "builtins.").replace("builtins.__dict__.", "builtins.")

    def starred(self, name):
        if name in BUILTINS:
            return f"builtins.{name}"
        if name == "__builtins__":
            return "builtins"
        for module in self.stars:
            if below(f"{module}.{name}", self.looked["calls"]) or below(f"{module}.{name}", self.looked["refs"]):
                return f"{module}.{name}"
        return name if name in ("__loader__", "__spec__") else ""

    def made(self, call, depth):
        """What a call gives: a module by its name, or an attribute by its name."""
        func = self.dotted(call.func, depth)
        texts = [self.text(argument) for argument in call.args[:2]]
        if func in ("builtins.__import__", "importlib.import_module", "importlib.__import__") and texts and texts[0]:
            return texts[0].partition(".")[0] if func == "builtins.__import__" else texts[0]
        if func == "builtins.getattr" and len(texts) > 1 and texts[1]:
            front = self.dotted(call.args[0], depth)
            return f"{front}.{texts[1]}" if front else ""
        if func == "builtins.vars" and call.args:
            return self.dotted(call.args[0], depth)
        if func == "builtins.globals":
            return "globals()"
        return ""

    def looked_up(self, node, depth):
        """What `sys.modules["os"]`, `os.__dict__["system"]` and their kin stand for."""
        front, key = self.dotted(node.value, depth), self.text(node.slice)
        if not front or not key:
            return ""
        if front == "sys.modules":
            return key
        if front == "globals()":
            return f"builtins.{key}" if key in BUILTINS else "builtins" if key == "__builtins__" else ""
        if front.endswith(".__dict__"):
            return f"{front.removesuffix('.__dict__')}.{key}"
        return f"{front}.{key}" if front == "builtins" or type(node.value) is ast.Call or front.partition(".")[0] in GUARDED else ""

    def text(self, node, depth=0):
        """A text that is written out, or put together from texts that are; empty when it cannot be told."""
        kind = type(node)
        if kind is ast.Constant or depth > MOST_DEPTH:
            return node.value if isinstance(getattr(node, "value", None), str) else ""
        if kind is ast.BinOp and type(node.op) is ast.Add:
            return self.joined("", [node.left, node.right], depth + 1)
        if kind is ast.Subscript and type(node.slice) is ast.Slice and ast.unparse(node.slice) == "::-1":
            return self.text(node.value, depth + 1)[::-1]
        if kind is ast.JoinedStr:
            return self.joined("", [value.value if type(value) is ast.FormattedValue else value for value in node.values], depth + 1)
        if kind is ast.Call and type(node.func) is ast.Attribute and node.func.attr == "join" and len(node.args) == 1:
            return self.joined(node.func.value, getattr(node.args[0], "elts", ()), depth + 1)
        return ""

    def joined(self, glue, nodes, depth):
        """The texts of all nodes with `glue` between them; empty when one cannot be told."""
        parts = [self.text(node, depth) for node in nodes]
        between = glue if isinstance(glue, str) else getattr(glue, "value", None)
        return between.join(parts) if isinstance(between, str) and all(parts) else ""


_LEARNT = {
    ast.Import: Meanings.imports,
    ast.ImportFrom: Meanings.imports_from,
    ast.Assign: Meanings.assignment,
    ast.NamedExpr: Meanings.walrus,
    ast.arg: Meanings.parameter,
    ast.Expr: Meanings.stands_alone,
    ast.If: Meanings.guards,
}
