"""Lets pytest read each file once to show where tests failed; by itself it parses and walks the whole file anew for each failure.

The first part of the pytest session, a text for the image's own Python (3.8 or newer, standard library only) and pytest (7 or newer).
It imports nothing before the second part has cleared the import path.
"""

MOST_FILES = 8


class KeptTrees:
    """Stands for the module `ast` where pytest looks for the statement that failed: what was parsed and walked is kept."""

    def __init__(self, stands_for):
        self._ast, self._trees, self._nodes = stands_for, {}, {}

    def __getattr__(self, name):
        return getattr(self._ast, name)

    def parse(self, source, *given, **named):
        if source not in self._trees:
            if len(self._trees) >= MOST_FILES:
                self._trees.clear()
                self._nodes.clear()
            self._trees[source] = self._ast.parse(source, *given, **named)
        return self._trees[source]

    def walk(self, node):
        if node not in self._nodes:
            self._nodes[node] = list(self._ast.walk(node))
        return self._nodes[node]


def keep_trees():
    """Have pytest ask it, where this pytest does ask `ast`."""
    import ast

    try:
        from _pytest._code import source
    except ImportError:
        return
    if getattr(source, "ast", None) is ast:
        source.ast = KeptTrees(ast)
