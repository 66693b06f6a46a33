"""Applies a patch to a tree in a temporary index, exactly or not at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from runner.errors import ChangeRefused, InfrastructureError
from runner.git.cat import sizes
from runner.git.command import Answer, Git, ProcessLimits
from runner.git.mentions import LONGEST, binary_size, mentioned
from runner.git.scratch import index_folder
from runner.git.trees import DIRECTORY, GITLINK, Entry, TreeReader, rewrite
from runner.model.units import show_size

MOST_UNPACKED = 64 * 2**20
_MOST_NAMES = 20_000
_LEAST_FREE = 2**20
_APPLY = ("apply", "--cached", "--whitespace=nowarn", "-")


def apply(git: Git, reader: TreeReader, base_tree: str, patch: bytes) -> str:
    """The id of the tree that `patch` makes of `base_tree`; raises ChangeRefused with git's reason.

    The index holds only what the patch mentions, so that the cost does not grow with the repository. Where that
    does not settle it, the whole tree is read and git judges on that; so a refusal always rests on the whole tree.
    """
    if (unpacked := binary_size(patch)) > MOST_UNPACKED:
        raise ChangeRefused(
            f"the patch's binary pieces unpack to {show_size(unpacked)}; at most {show_size(MOST_UNPACKED)} are taken",
            hint="Keep large binary files out of the change.",
        )
    with index_folder(git.home.parent) as folder:
        part = _apply_to_part(git, reader, base_tree, patch, folder)
        return part or _apply_to_whole(git, reader, base_tree, patch, folder)


def _apply_to_part(git: Git, reader: TreeReader, base_tree: str, patch: bytes, folder: Path) -> str | None:
    names = mentioned(patch, _MOST_NAMES)
    if names is None:
        return None
    seed = {name: entry for name in names if (entry := reader.find(base_tree, name)) and entry.mode != DIRECTORY}
    index = git.with_env(GIT_INDEX_FILE=str(folder / "part"))
    if seed and not index.run("update-index", "-z", "--index-info", stdin=_index_lines(seed)).ok:
        return None
    if not index.run(*_APPLY, stdin=patch, limits=ProcessLimits()).ok:
        return None
    listed = index.run("ls-files", "--stage", "-z")
    after = _staged(listed.out) if listed.ok else None
    if after is None:
        return None
    # A path the patch adds must be free in the whole tree, and short enough for the walk below.
    if not all(len(name) <= LONGEST and reader.free(base_tree, name) for name in after.keys() - seed.keys()):
        return None
    changes: dict[bytes, Entry | None] = dict.fromkeys(seed.keys() - after.keys())
    changes.update((name, entry) for name, entry in after.items() if seed.get(name) != entry)
    return rewrite(reader, git, base_tree, changes)


def _apply_to_whole(git: Git, reader: TreeReader, base_tree: str, patch: bytes, folder: Path) -> str:
    file = folder / "whole"
    index = git.with_env(GIT_INDEX_FILE=str(file))
    seeded = index.run("read-tree", base_tree)
    if not seeded.ok:
        raise InfrastructureError(f"git cannot read the base tree: {seeded.reason}", hint="`git fsck` tells more.")
    size = file.stat().st_size
    limits = ProcessLimits(memory=ProcessLimits.memory + 4 * size, file=ProcessLimits.file + 2 * size)
    applied = index.run(*_APPLY, stdin=patch, limits=limits)
    if not applied.ok:
        raise _refusal(git, reader, base_tree, applied, patch)
    written = index.run("write-tree", "--missing-ok", limits=limits)
    if not written.ok:
        raise ChangeRefused(f"the patched tree cannot be written: {written.reason}")
    return written.out.decode().strip()


def _index_lines(entries: Mapping[bytes, Entry]) -> bytes:
    return b"".join(b"%s %s 0\t%s\0" % (e.mode.encode(), e.id.encode(), name) for name, e in entries.items())


def _staged(listing: bytes) -> dict[bytes, Entry] | None:
    """Entries of `ls-files --stage -z`; `None` when a path is not at stage 0."""
    entries: dict[bytes, Entry] = {}
    for line in listing.split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        mode, blob, stage = head.decode("ascii").split(" ")
        if stage != "0":
            return None
        entries[name] = Entry(mode, blob)
    return entries


def _refusal(git: Git, reader: TreeReader, base_tree: str, answer: Answer, patch: bytes) -> ChangeRefused:
    """The change's own fault, once the machine's are ruled out; those are looked for, since git's words may quote the change."""
    named = mentioned(patch, _MOST_NAMES) or ()
    found = (entry for name in named if len(name) <= LONGEST and (entry := reader.find(base_tree, name)))
    sizes(git, {entry.id for entry in found if entry.mode not in (DIRECTORY, GITLINK)})  # says so when an object is missing
    if shutil.disk_usage(git.directory).free < _LEAST_FREE:
        raise InfrastructureError(f"the disk is full: {answer.reason}", hint="Make room, or point the cache elsewhere.")
    return ChangeRefused(f"the patch does not apply: {_reason(answer)}", hint=_hint(answer, patch))


def _reason(answer: Answer) -> str:
    """Git's words, but for an option of its own."""
    return "there is no diff in it" if b"No valid patches" in answer.err else answer.reason


def _hint(answer: Answer, patch: bytes) -> str:
    if b"No valid patches" in answer.err or b"unrecognized input" in answer.err:
        return 'Give the output of `git diff` or `git format-patch`, or JSON edits, which are a list: [{"path": …, "content": …}].'
    if b"ut of memory" in answer.err or answer.status < 0:
        return "Keep large files out of the change."
    if b"corrupt patch" in answer.err or b"unexpected end" in answer.err:
        return "The patch is cut off or damaged; make it again with `git diff`."
    if b"full index line" in answer.err or b"without full index" in answer.err:
        return "Make it with `git diff --binary --full-index`."
    if b"\r\n" in patch:
        return "The patch has Windows line endings and the files may not have them; make it with `git diff` and keep its bytes."
    return "Was it made against another base? Name that base with --base."
