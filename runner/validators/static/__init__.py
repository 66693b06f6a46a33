"""Validation layer `static`: dangerous code that a change adds, by a rule pack of ours and by rules of ruff; nothing is imported or run."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from runner.model.action import MOST_FINDINGS, Action, Found, answer, at_most, found
from runner.model.change import Change, Status
from runner.model.lines import MOST_BYTES, MOST_TOGETHER, new_lines, sources, within
from runner.model.result import Result
from runner.model.value import Value
from runner.parsing import Parse, Source, parse
from runner.ports import Trees
from runner.validators.static import ruff
from runner.validators.static.pack import Pack, pack

name = "static"

_MOST_LINE = 2**14
"""Characters of a line of a text that the patterns are tried on."""
_INSIDE = Path(__file__).with_name("inside")
_TEST_FOLDERS = frozenset({"test", "tests"})
_TEST_FILES = ("test_*.py", "*_test.py")
_CODE = re.compile(r"[A-Z]{1,6}[0-9]{3,4}")
_UNREADABLE = "static.unread"


def _known(rules: dict[str, Action]) -> dict[str, Action]:
    """The rules, when each is one of ours or the code of one of ruff's; ValueError otherwise."""
    for rule in rules:
        if not _CODE.fullmatch(rule) and rule not in pack().rules:
            raise ValueError(f"there is no rule '{rule}'; there are {', '.join(sorted(pack().rules))}, and ruff's, e.g. S608")
    return rules


class Options(Value):
    """Dangerous code in added lines: what follows from each rule, and from hits in test files."""

    rules: Annotated[dict[str, Action], AfterValidator(_known)] = {}
    """What follows from a rule, e.g. `{static.exec: warn, S608: hold}`: `allow`, `warn`, `hold` or `fail`; ours by their ids, ruff's by their codes."""
    tests: Action = "warn"
    """The most that follows from a hit in a test file."""
    ruff: bool = True
    """Whether ruff is asked; without it only the rules of ours hold."""


class _File(NamedTuple):
    path: str
    old: bytes
    new: bytes
    is_test: bool


def judge(change: Change, trees: Trees, options: Options) -> Result:
    """Holds for what the change adds and the base does not have; rejects what no honest change needs."""
    files, unread = _changed(change, trees)
    python = [file for file in files if _is_python(file)]
    with ThreadPoolExecutor(1) as beside:  # two children, one wait
        linted = beside.submit(lambda: list(_of_ruff(python, options) if options.ruff else ()))
        ours = list(_of_pack(python, options))
        every = [*unread, *ours, *linted.result(), *_of_texts([file for file in files if file not in python], options)]
    return answer(name, every, f"no dangerous code is new in {len(python)} Python and {len(files) - len(python)} other changed files")


def _changed(change: Change, trees: Trees) -> tuple[list[_File], list[Found]]:
    """The changed texts with what they were made from, and a finding for each that is too large to read."""
    wanted = [file for file in change.files if file.status is Status.DELETED or file.new_mode.startswith("100")]
    small, left = within(wanted)
    contents = trees.blobs({blob for file in small for blob in file.blobs})
    made_from = sources(small, contents)
    files = []
    for file in small:
        content = contents.get(file.new_blob)
        if file.status is Status.DELETED or content is None or b"\0" in content[:8000]:
            continue
        is_test = _is_test(file.spelling, change.base_tree, trees)
        files.append(_File(file.path, contents.get(made_from.get(file.path, ""), b""), content, is_test))
    large = [
        file
        for file in wanted
        if max(file.old_size, file.new_size) > MOST_BYTES and file.status is not Status.DELETED and file.path.endswith((".py", ".pyw"))
    ]
    unread = [_unseen(file.path, f"is larger than {MOST_BYTES // 2**20}MiB, so that nobody read its code") for file in large]
    unread += [_unseen(file.path, f"is unread: the change's files are larger than {MOST_TOGETHER // 2**20}MiB together") for file in left]
    return files, unread


def _is_test(path: str, base_tree: str, trees: Trees) -> bool:
    """Whether a file is a test by its own name, or lies in a folder of that name that holds tests on the base.

    A folder that a change merely calls so holds what the package imports, for all anybody knows.
    """
    pure = PurePosixPath(path)
    if pure.name == "conftest.py" or _named_for_tests(pure.name):
        return True
    above = [parent for parent in pure.parents if any(part.lower() in _TEST_FOLDERS for part in parent.parts)]
    return any(_named_for_tests(os.fsdecode(entry.path)) for parent in above for entry in trees.listing(base_tree, str(parent)))


def _named_for_tests(last: str) -> bool:
    return any(fnmatchcase(last, pattern) for pattern in _TEST_FILES)


def _is_python(file: _File) -> bool:
    suffix = PurePosixPath(file.path).suffix.lower()
    return suffix in (".py", ".pyw") or (file.new.startswith(b"#!") and b"python" in file.new.partition(b"\n")[0])


def _unseen(path: str, why: str) -> Found:
    return found("hold", path, _UNREADABLE, why, fix="Make the file smaller or simpler, or have a person read it.")._replace(unseen=True)


def _of_pack(files: Sequence[_File], options: Options) -> Iterator[Found]:
    """What our own rules find, by the syntax tree where there is one."""
    if not files:
        return
    told = [Source("sights:fresh", b"%d\n" % len(file.old) + file.old + file.new) for file in files]
    for file, read in zip(files, parse(told, _INSIDE), strict=True):
        yield from _hits(file, read, options)


def _hits(file: _File, read: Parse, options: Options) -> Iterator[Found]:
    if read.state == "unjudged":
        yield _unseen(file.path, f"its code could not be searched: {read.message}")
        return
    if read.state == "broken":
        yield from _by_words(file, options)
        return
    hits = json.loads(read.data)
    if isinstance(hits, str):
        yield _unseen(file.path, f"its code could not be searched: {hits}")
        return
    for rule, line, _, at_import, _ in hits:
        yield _found(file, rule, line, options, at_import=at_import)
    for rule in (rule for rule in pack().rules.values() if rule.together and hits):
        if set(rule.together) <= {hit[0] for hit in hits}:
            yield _found(file, rule.id, next(hit[1] for hit in hits if hit[0] == rule.together[-1]), options, at_import=False)


def _found(file: _File, rule_id: str, line: int, options: Options, *, at_import: bool = True) -> Found:
    rule = pack().rules[rule_id]
    at_import = at_import and PurePosixPath(file.path).name != "__main__.py"  # which is a program, and imported by nothing
    action = rule.action(at_import=at_import, given=options.rules.get(rule_id))
    if file.is_test:
        action = at_most(action, options.tests)
    when = ", at import" if at_import and rule.at_import != rule.outcome else ""
    return found(action, file.path, rule.id, f"{rule.message}{when}", fix=rule.fix, line=line)


_WORDS = re.compile(
    r"(?P<shell>\bos\s*\.\s*(system|popen)\b|\bshell\s*=\s*True\b)|(?P<exec>(?<![\w.])(exec|eval|__import__)\s*\()|(?P<hard>\bos\s*\.\s*(_exit|abort|kill)\b)"
    r"|(?P<tests>PYTEST_[A-Z]+)|(?P<pickle>\b(pickle|marshal)\s*\.\s*loads?\b)|(?P<ctypes>\b(ctypes|cffi)\b)|(?P<hooks>\bsys\s*\.\s*(meta_path|path_hooks|settrace|setprofile)\b)"
)
_RULES_OF_WORDS = {
    "shell": "static.shell",
    "exec": "static.exec",
    "hard": "static.hard-exit",
    "tests": "static.test-detection",
    "pickle": "static.unpickle",
    "ctypes": "static.native-call",
    "hooks": "static.import-hooks",
}


def _by_words(file: _File, options: Options) -> Iterator[Found]:
    """For text that does not parse here, and may where it runs: the plainest names, in new lines."""
    matches = ((line, match) for line, text in new_lines(file.old, file.new) for match in _WORDS.finditer(text))
    for line, match in islice(matches, MOST_FINDINGS):
        yield _found(file, _RULES_OF_WORDS[match.lastgroup or ""], line, options, at_import=False)


def _of_ruff(files: Sequence[_File], options: Options) -> Iterator[Found]:
    """What ruff finds in the new text more often than in the old, by code and text of the line."""
    if not files:
        return
    asked: dict[str, Action] = {**pack().ruff, **{code: action for code, action in options.rules.items() if _CODE.fullmatch(code)}}
    asked = {code: action for code, action in asked.items() if action != "allow"}
    try:
        told = ruff.lint([content for file in files for content in (file.old, file.new)], asked)
    except ruff.Unanswered:
        yield _unseen(files[0].path, f"ruff did not survive the {len(files)} Python files of the change")
        return
    for index, file in enumerate(files):
        old, new = told[2 * index], told[2 * index + 1]
        known = Counter((lint.code, lint.text) for lint in old)
        for lint in new:
            if known[lint.code, lint.text] > 0:
                known[lint.code, lint.text] -= 1
                continue
            action = at_most(asked[lint.code], options.tests) if file.is_test else asked[lint.code]
            yield found(action, file.path, lint.code, _bounded(lint.message), line=lint.line)


def _of_texts(files: Iterable[_File], options: Options) -> Iterator[Found]:
    """What the rules for texts find in new lines."""
    rules: Pack | None = None
    for file in files:
        rules = rules or pack()
        fitting = [text for text in rules.texts if text.files.search(file.path)]
        fresh = new_lines(file.old, file.new) if fitting else []
        for one in fitting:
            hit = (line for line, text in fresh if one.pattern.search(text[:_MOST_LINE]))
            for line in islice(hit, MOST_FINDINGS):
                yield _found(file, one.rule.id, line, options, at_import=False)


def _bounded(text: str, most: int = 200) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"
