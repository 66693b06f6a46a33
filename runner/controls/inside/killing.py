"""Replaces bodies of functions by one statement that raises; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import json
import re

from places import FUNCTIONS, Text, functions, skeleton

SIGN = re.compile(rb"[ \t\f]*@")


def dead(content, _version):
    """JSON of the text in which the named functions are dead, `null` where it has none; `content` is a JSON line of names, the text."""
    line, _, source = content.partition(b"\n")
    names = set(json.loads(line))
    text = Text(source)
    chosen = found(text, names)
    if not chosen:
        return "null"
    killed = text.edited([edit(text, function) for function in chosen])
    compile(killed, "<dead>", "exec", dont_inherit=True)
    after = Text(killed)
    if skeleton(after, found(after, names)) != skeleton(text, chosen):
        raise ValueError("more than the bodies would change")
    return json.dumps(killed.decode("utf-8"))


def found(text, names):
    return [function for name, function in functions(text.tree.body, ".") if name in names]


def edit(text, function):
    """The edit that kills one function.

    Its docstring stays, since modules read docstrings at import; line ends stand between the brackets, where they mean nothing.
    """
    documented = ast.get_docstring(function, clean=False) is not None
    body = function.body[documented:]
    end = text.span(function.body[-1])[1]
    first = start(text, body[0]) if body else end
    new = b"" if body else b"; "
    new += b'raise RuntimeError("dead body"' + text.newlines(first, end) + b") from None"
    return first, end, new + (b"; yield" if yields(body) else b"")


def start(text, statement):
    """The first byte of a statement with its decorators, whose nodes begin after the sign; before these only brackets and comments stand."""
    marks = getattr(statement, "decorator_list", [])
    if not marks:
        return text.span(statement)[0]
    line = marks[0].lineno - 1
    while not SIGN.match(text.source, text.starts[line]):
        line -= 1
    return SIGN.match(text.source, text.starts[line]).end() - 1


def yields(body):
    """Whether statements make the function that holds them a generator."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        hidden = own(node)
        waiting += [child for child in ast.iter_child_nodes(node) if id(child) not in hidden]
    return False


def own(node):
    """Identities of the parts of a node whose `yield` is that of a function or class inside."""
    if isinstance(node, ast.Lambda):
        return {id(node.body)}
    return {id(part) for part in node.body} if isinstance(node, (*FUNCTIONS, ast.ClassDef)) else set()
