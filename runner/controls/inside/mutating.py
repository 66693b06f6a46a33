"""Chooses mutants of a Python file, each with one change; runs in the child of `runner.parsing`, on the standard library alone."""

import bisect
import hashlib
import itertools
import json
from typing import NamedTuple

from mutable import places
from mutations import mutations
from places import Text

LONGEST = 100
"""What is told of a line, in characters."""
BEFORE = 40
"""What is told of it before the change, in bytes."""
TRIES = 4
"""Mutations looked at for each mutant that is wanted; few do not compile."""


class Mutation(NamedTuple):
    """One edit, and where it is."""

    owner: str
    line: int
    kind: str
    first: int
    end: int
    new: bytes


def mutants(content, _version):
    """JSON of mutants: function, line, the line before and after, and the edit as first byte, end and new words.

    `content` is a JSON line, the text. The line has `most`, `seed`, and `lines` or `functions`, of which the other is null.
    """
    head, _, source = content.partition(b"\n")
    asked = json.loads(head)
    text = Text(source)
    compile(source, "<text>", "exec", dont_inherit=True)
    tried = itertools.islice(spread(text, asked["seed"], found(text, asked)), TRIES * asked["most"])
    check = Compiler(text)
    made = [told(text, mutation) for mutation in itertools.islice(filter(check.passes, tried), asked["most"])]
    return json.dumps(made)


def found(text, asked):
    """Every mutation at the lines or in the functions that are asked for, in the order of the text."""
    lines, names = (None if each is None else frozenset(each) for each in (asked["lines"], asked["functions"]))
    every = set()
    for place in places(text.tree):
        if names is None or place.owner in names:
            for kind, first, end, new in mutations(text, place):
                line = bisect.bisect_right(text.starts, first)
                if lines is None or line in lines:
                    every.add(Mutation(place.owner, line, kind, first, end, new))
    return sorted(every, key=lambda each: (each.first, each.end, each.kind, each.new))


def spread(text, seed, every):
    """All of them, functions in turn, in each of these its lines in turn, and in each of these the kinds of change.

    What comes first hangs on the seed and on the text, not on where it stands: a function that both sides of a change have is mutated
    alike in both.
    """

    def order(words):
        return hashlib.sha256("\0".join((seed, *words)).encode("utf-8", "backslashreplace")).digest()

    def line(each):
        start = text.starts[each.line - 1]
        written = text.source[start : min(end_of_line(text, each), start + LONGEST)]
        return order((each.owner, written.strip().decode("utf-8", "replace"))), each.line

    def owner(each):
        return order((each.owner,))

    def kind(each):
        return order((each.owner, each.kind, each.new.decode("utf-8")))

    return in_turn(every, (owner, line, lambda each: (line(each), order((each.kind,))), kind))


def in_turn(every, keys):
    """The first of each group, then the second of each; groups are in the order of the first key, what is in one in that of the others."""
    if not keys:
        return every
    groups = {}
    for each in every:
        groups.setdefault(keys[0](each), []).append(each)
    rows = itertools.zip_longest(*(in_turn(groups[key], keys[1:]) for key in sorted(groups)))
    return (each for row in rows for each in row if each is not None)


class Compiler:
    """Whether mutants are Python still: looked at is the statement of the module that an edit stands in, since it ends nowhere else."""

    def __init__(self, text):
        self.text = text
        self.spans = [text.span(statement) for statement in text.tree.body]
        self.starts = [first for first, _ in self.spans]

    def passes(self, mutation):
        first, end = self.spans[bisect.bisect_right(self.starts, mutation.first) - 1]
        edited = self.text.edited([(mutation.first, mutation.end, mutation.new)], first, end)
        try:
            compile(edited, "<mutant>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
        return True


def end_of_line(text, mutation):
    return text.starts[mutation.line] if mutation.line < len(text.starts) else len(text.source)


def told(text, mutation):
    """What the host is told of a mutant; of a long line, what is about the change."""
    start, end = text.starts[mutation.line - 1], end_of_line(text, mutation)
    first = start if end - start <= LONGEST else max(start, mutation.first - BEFORE)
    end = min(end, mutation.end + LONGEST)
    edit = (mutation.first, mutation.end, mutation.new)
    was, now = short(text.source[first:end]), short(text.edited([edit], first, end))
    return mutation.owner, mutation.line, was, now, mutation.first, mutation.end, mutation.new.decode("utf-8")


def short(content):
    words = " ".join(content.decode("utf-8", "ignore").split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)[:LONGEST]
