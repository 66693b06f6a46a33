"""The first validation layer: what a tree should not hold, judged on the patched tree and never on a patch's text."""

from collections.abc import Iterator

from pydantic import Field

from runner.model.action import MOST_FINDINGS, OUTCOMES, RANKS, Action, Found, found
from runner.model.change import DEEPEST, Change, FileChange, Status
from runner.model.result import Outcome, Result
from runner.model.text import printable
from runner.model.units import Size, show_size
from runner.model.value import Value
from runner.ports import Trees
from runner.validators.intake.content import is_bytecode, is_native
from runner.validators.intake.names import Flaw, fold, name_flaws, path_flaws, skeleton
from runner.validators.intake.text import is_named, marks

name = "intake"
_SYMLINK, _GITLINK, _EXECUTABLE, _PLAIN = "120000", "160000", "100755", "100644"
_READABLE = 8 * 2**20


class Options(Value):
    """Caps, and what follows from each kind of finding: `allow`, `warn`, `hold` (a person must look) or `fail`."""

    max_patch: Size = 2**20
    """Bytes of the patch; a larger one is rejected unread."""
    max_files: int = Field(default=1000, gt=0)
    """Files that a change may touch; more are rejected."""
    max_file: Size = 2**20
    """The largest new or changed file before `oversize` applies."""
    oversize: Action = "hold"
    """A new or changed file larger than `max_file`, unless it has shrunk."""
    symlinks: Action = "fail"
    """A symbolic link that is new, or leads elsewhere than before."""
    submodules: Action = "fail"
    """Gitlinks and `.gitmodules`; an edit of the latter is held at most, its removal is no finding."""
    git_files: Action = "hold"
    """`.gitattributes` and `.lfsconfig`, which change what git writes into a work tree."""
    names: Action = "fail"
    """Names that lead elsewhere, read as `.git`, cannot be read at all, or hold invisible or control characters."""
    portability: Action = "hold"
    """Names that some systems cannot hold or that commands misread."""
    collisions: Action = "fail"
    """Names that are one on a file system that ignores case or Unicode form."""
    exec_bit: Action = "hold"
    """A file that becomes executable, or a new one that is."""
    mode: Action = "warn"
    """A file that stops being executable."""
    type_change: Action = "hold"
    """A link that becomes a file, and the like."""
    bytecode: Action = "fail"
    """Compiled Python: what it does may differ from the source beside it."""
    native: Action = "fail"
    """Machine code: shared libraries, programs."""
    binary: Action = "hold"
    """Any other binary file."""
    bidi: Action = "fail"
    """Characters that reorder a line, so that it reads otherwise than it runs."""
    control: Action = "hold"
    """Control characters, lone carriage returns and invisible characters inside words, in added lines."""


def judge(change: Change, trees: Trees, options: Options) -> Result:
    """Whether the patched tree holds anything that the base does not and no tree should."""
    counted = [one for one in _findings(change, trees, options) if one.action != "allow"]
    if not counted:
        return Result(
            check=name, outcome=Outcome.PASS, reason=f"nothing unusual in {_count(len(change.files), 'changed file')}", measured=0
        )
    counted.sort(key=lambda one: (-RANKS.index(one.action), one.finding.path, one.finding.line or 0))
    worst = counted[0]
    reason = f"{_count(len(counted), 'finding')}; the worst: {printable(worst.finding.path)}: {worst.finding.message}"
    findings = tuple(one.finding for one in counted[:MOST_FINDINGS])
    return Result(check=name, outcome=OUTCOMES[worst.action], reason=reason, measured=len(counted), findings=findings)


def _findings(change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    siblings = _Siblings(change, trees)
    for file in change.files:
        yield from _of_kind(file, options)
        if file.status is not Status.DELETED:
            yield from _of_names(file, siblings, options)
    yield from _of_contents(change, trees, options)


def _say(action: Action, file: FileChange, rule: str, message: str, fix: str, line: int | None = None) -> Found:
    return found(action, file.path, rule, message, fix=fix, line=line)


def _of_kind(file: FileChange, options: Options) -> Iterator[Found]:
    """What modes say, and files that govern git itself."""
    last = skeleton(file.path.rpartition("/")[2])
    if last == ".gitmodules":
        yield from _of_declarations(file, options)
    elif last in (".gitattributes", ".lfsconfig"):
        yield _say(options.git_files, file, "intake.git-file", "it changes what git writes into a work tree", "Have a person look at it.")
    if file.status is Status.DELETED:
        return
    if file.new_mode == _SYMLINK:
        yield _say(options.symlinks, file, "intake.symlink", "it is a symbolic link", "Put a regular file there.")
    elif file.new_mode == _GITLINK:
        yield _say(options.submodules, file, "intake.submodule", "it is a submodule", "Leave submodules out of the change.")
    elif file.new_mode == _EXECUTABLE and file.old_mode != _EXECUTABLE:
        yield _say(options.exec_bit, file, "intake.exec-bit", "it becomes executable", "Keep mode 644 unless it must be run.")
    elif file.old_mode == _EXECUTABLE and file.new_mode == _PLAIN:
        yield _say(options.mode, file, "intake.mode", "it is no longer executable", "Keep its mode unless that is meant.")
    if file.status is Status.TYPE_CHANGED:
        yield _say(options.type_change, file, "intake.type-change", "it was another kind of file before", "Keep its kind.")


def _of_declarations(file: FileChange, options: Options) -> Iterator[Found]:
    """A new `.gitmodules` declares submodules; one that is edited may drop some, and one that goes drops all."""
    action, fix = options.submodules, "Leave submodules out of the change."
    if file.status is Status.ADDED:
        yield _say(action, file, "intake.submodule", "it declares submodules", fix)
    elif file.status is not Status.DELETED:
        yield _say("hold" if action == "fail" else action, file, "intake.submodule", "it changes which submodules there are", fix)


def _of_names(file: FileChange, siblings: "_Siblings", options: Options) -> Iterator[Found]:
    """Faults of names that are new; of one that is not UTF-8 that alone is said, and no policy lets in what cannot be written."""
    if file.status is Status.ADDED and (depth := file.name.count(b"/") + 1) > DEEPEST:
        message = f"the path has {depth} components; at most {DEEPEST} can be written"
        yield _say("fail", file, "intake.deep-path", message, "Nest it less.")
    if not file.utf8:
        if file.status is Status.ADDED:
            yield _say(options.names, file, "intake.name-not-utf8", "the name is not UTF-8", "Rename it.")
        return
    parts = list(siblings.new_parts(file.path))
    flaws = [*path_flaws(file.path), *(flaw for part in parts for flaw in siblings.flaws(*part))] if parts else []
    for flaw in dict.fromkeys(flaws):
        action: Action = getattr(options, flaw.option)
        yield _say(action, file, flaw.rule, flaw.message, "Rename it.")


class _Siblings:
    """Directories of both trees, read once each, to tell which names are new and which collide."""

    def __init__(self, change: Change, trees: Trees) -> None:
        self._change, self._trees = change, trees
        self._base: dict[str, frozenset[bytes]] = {}
        self._folds: dict[str, dict[str, int]] = {}

    def new_parts(self, path: str) -> Iterator[tuple[str, str]]:
        """Directory and name of each component of a path that the base does not have."""
        directory, known = "", True
        for part in path.split("/"):
            known = known and part.encode("utf-8", "surrogatepass") in self._names_in_base(directory)
            if not known:
                yield directory, part
            directory = f"{directory}/{part}" if directory else part

    def flaws(self, directory: str, part: str) -> Iterator[Flaw]:
        """Faults of a new name, by itself and among its neighbours."""
        yield from name_flaws(part)
        if self._folds_in(directory).get(fold(part), 0) > 1:
            yield Flaw("intake.collision", f"another name beside it differs from {printable(part)} only in case or form", "collisions")

    def _names_in_base(self, directory: str) -> frozenset[bytes]:
        if directory not in self._base:
            self._base[directory] = frozenset(entry.path for entry in self._trees.listing(self._change.base_tree, directory))
        return self._base[directory]

    def _folds_in(self, directory: str) -> dict[str, int]:
        if directory not in self._folds:
            counts: dict[str, int] = {}
            for entry in self._trees.listing(self._change.tree, directory):
                folded = fold(entry.path.decode("utf-8", "surrogateescape"))
                counts[folded] = counts.get(folded, 0) + 1
            self._folds[directory] = counts
        return self._folds[directory]


def _of_contents(change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    for file in change.files:
        if file.status is Status.DELETED or file.new_mode not in (_EXECUTABLE, _PLAIN) or file.new_blob == file.old_blob:
            continue
        if file.new_size > options.max_file and file.new_size > file.old_size:
            message = f"it has {show_size(file.new_size)}; at most {show_size(options.max_file)} are usual"
            yield _say(options.oversize, file, "intake.oversize", message, "Keep large files out of the change.")
        yield from _of_content(file, trees, options)


def _of_content(file: FileChange, trees: Trees, options: Options) -> Iterator[Found]:
    """One file at a time, so that never more than two contents are in memory."""
    if file.new_size > _READABLE:
        yield _say(options.binary, file, "intake.unreadable", f"it is larger than {show_size(_READABLE)} and was not read", "Leave it out.")
        return
    content = trees.blobs([file.new_blob])[file.new_blob]
    if is_bytecode(file.path, content):
        yield _say(options.bytecode, file, "intake.bytecode", "it is compiled Python, which may differ from its source", "Leave it out.")
    elif is_native(file.path, content):
        yield _say(options.native, file, "intake.native", "it is machine code", "Build it from source instead.")
    elif file.binary:
        yield _say(options.binary, file, "intake.binary", "it is binary, so nobody can read what it does", "Have a person look at it.")
    else:
        old = trees.blobs([file.old_blob])[file.old_blob] if file.old_mode in (_EXECUTABLE, _PLAIN) else b""
        yield from _of_text(file, content, old, options)


def _of_text(file: FileChange, content: bytes, old: bytes, options: Options) -> Iterator[Found]:
    for mark in marks(content, old):
        action: Action = options.bidi if mark.rule == "intake.bidi" else options.control
        if not mark.more:
            if mark.rule != "intake.bidi":
                continue  # an edited line that had the same characters before
            action = "hold" if action == "fail" else action
        yield _say(action, file, mark.rule, _MESSAGES[mark.rule].format(is_named(mark.characters)), _FIXES[mark.rule], mark.line)


_MESSAGES = {
    "intake.bidi": "the line holds {}, which reorders what one reads",
    "intake.control-character": "the line holds control characters ({})",
    "intake.bare-cr": "a carriage return inside the line hides what stands before or after it ({})",
    "intake.invisible": "the line holds characters that cannot be seen ({})",
}
_FIXES = {
    "intake.bidi": "Remove it; in a string literal write it as an escape.",
    "intake.control-character": "Remove it; in a string literal write it as an escape.",
    "intake.bare-cr": "Use one kind of line end.",
    "intake.invisible": "Remove it; in a string literal write it as an escape.",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
