"""Where the functions of a Python file stand in its bytes, and how to edit them in place; for readers in the child of `runner.parsing`."""

import ast
import codecs
import io
import re
import tokenize

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NEWLINE = re.compile(rb"\r\n|\r|\n")


class Text:
    """The bytes of a file, addressed by the lines and columns of its syntax tree."""

    def __init__(self, source):
        if tokenize.detect_encoding(io.BytesIO(source).readline)[0] not in ("utf-8", "utf-8-sig"):
            raise ValueError("it is not UTF-8")  # columns of other encodings are not those of the bytes
        source.decode("utf-8")
        self.source = source
        self.tree = ast.parse(source)
        marked = len(codecs.BOM_UTF8) if source.startswith(codecs.BOM_UTF8) else 0
        self.starts = [marked, *(found.end() for found in NEWLINE.finditer(source))]

    def span(self, node):
        """First byte of a node and the byte after its last."""
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def of(self, node):
        first, end = self.span(node)
        return self.source[first:end]

    def newlines(self, first, end):
        """The line ends between two places, so that what takes that room can keep them."""
        return b"".join(NEWLINE.findall(self.source[first:end]))

    def edited(self, edits, first=0, end=None):
        """What stands between two places after edits `(first, end, bytes)`, which do not overlap and lie there."""
        pieces = []
        for start, stop, new in sorted(edits):
            pieces += [self.source[first:start], new]
            first = stop
        return b"".join([*pieces, self.source[first:end]])


def blocks(statement):
    """The lists of statements that a statement holds, in the order in which they run."""
    yield getattr(statement, "body", [])
    for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
        yield part.body
    yield getattr(statement, "orelse", [])
    yield getattr(statement, "finalbody", [])


def functions(body, separator, prefix=""):
    """Every function of a module or class as qualified name and node; those inside functions are left out, branches are not."""
    for statement in body:
        if isinstance(statement, FUNCTIONS):
            yield prefix + statement.name, statement
        elif isinstance(statement, ast.ClassDef):
            yield from functions(statement.body, separator, prefix + statement.name + separator)
        else:
            for block in blocks(statement):
                yield from functions(block, separator, prefix)


def classes(body, separator, prefix=""):
    """Every class outside functions as qualified name and node."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield prefix + statement.name, statement
            yield from classes(statement.body, separator, prefix + statement.name + separator)
        elif not isinstance(statement, FUNCTIONS):
            for block in blocks(statement):
                yield from classes(block, separator, prefix)


def skeleton(text, bodies):
    """What an edit of these function bodies must leave as it was: number of lines, all other syntax, and the line where each part begins."""
    for function in bodies:
        function.body = []
    places = [(type(node).__name__, node.lineno) for node in ast.walk(text.tree) if hasattr(node, "lineno")]
    return len(text.starts), ast.dump(text.tree), places
