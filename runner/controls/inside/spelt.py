"""What the expressions of one Python file spell, however they spell it; used inside the child of `runner.parsing`."""

import ast
import builtins
import importlib

import sources
from sourcetext import Texts

MOST_DEPTH = 150
MOST_VALUES = 300
"""Values of one name that are looked at; a file with more is not read to its end, and says so."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
REFERENCES = (ast.Attribute, ast.Name, ast.Call, ast.Subscript, ast.NamedExpr, ast.Await)
MAKERS = {
    "random.Random()",
    "random.SystemRandom()",
    "secrets.SystemRandom()",
    "numpy.random.default_rng()",
    "itertools.count()",
    "globals()",
    "sched.scheduler()",
    "asyncio.get_event_loop()",
    "asyncio.get_running_loop()",
    "asyncio.new_event_loop()",
}
"""Calls that a name may stand for; what others give is followed as a value."""


class Names(Texts):
    """The names of one file: imports, assignments, and what the file defines itself."""

    def __init__(self, tree):
        self.imported, self.values, self.defined = {}, {}, {}
        self.folded, self.named, self.level = {}, {}, 0
        self.starred, self.cuts = {}, set()
        for node in ast.walk(tree):
            kind = type(node)
            if kind is ast.Import:
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self.imports(alias.asname or top, alias.name if alias.asname else top)
            elif kind is ast.ImportFrom:
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    self.imports(alias.asname or alias.name, f"{module}.{alias.name}")
                    self.starred.update((name, f"{module}.{name}") for name in (offered(module) if alias.name == "*" else ()))
            elif kind in FUNCTIONS or kind is ast.ClassDef:
                self.defined[node.name] = node
            elif kind is ast.Assign:
                self.assigned(node.targets, node.value)
            elif kind in (ast.AnnAssign, ast.NamedExpr) and node.value is not None:
                self.assigned([node.target], node.value)

    def imports(self, name, target):
        """Notes an import; of several with one name, the first that could tell something."""
        if self.imported.get(name, "").partition(".")[0] not in sources.TOLD:
            self.imported[name] = target

    def assigned(self, targets, value):
        for target in targets:
            if type(target) is ast.Name:
                self.values.setdefault(target.id, []).append(value)
            elif type(target) is ast.Tuple and type(value) is ast.Tuple and len(target.elts) == len(value.elts):
                for one, given in zip(target.elts, value.elts):  # noqa: B905  Python 3.8; lengths are equal
                    self.assigned([one], given)

    # names

    def all_of(self, name):
        """Every value that a name is given; the rest is cut, and said to be, where there are very many."""
        every = self.values.get(name, ())
        if len(every) > MOST_VALUES:
            self.cuts.add(f"a name is given more than {MOST_VALUES} values")
        return every[:MOST_VALUES]

    def dotted(self, node):
        """What an expression stands for, as a dotted name; `()` for a call and `[]` for an item; empty when it cannot be told."""
        if type(node) not in REFERENCES:
            return ""
        return self.once(self.named, node, self.reference, "")

    def once(self, table, node, look, nothing):
        """What is found of a node, found once; while it is being found it is nothing, since names go round in circles."""
        if id(node) not in table:
            if self.level > MOST_DEPTH:
                self.cuts.add("what a name stands for leads through too many others")
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
        first = ""
        for value in self.all_of(name):
            found = self.dotted(value)
            if found and (not found.endswith((")", "]")) or found in MAKERS):
                first = first or found
                if found.partition(".")[0] in sources.TOLD:
                    return found
        if first or name in self.starred:
            return first or self.starred[name]
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


def offered(module):
    """The names that a star brings from a module; none from one that tells nothing."""
    if module not in sources.STARRED:
        return ()
    made = importlib.import_module(module)
    return getattr(made, "__all__", None) or [name for name in dir(made) if not name.startswith("_")]
