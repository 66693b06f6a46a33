"""Validation layer `supply`: secrets that a change adds, and what it changes about where code comes from; no network is used."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from runner.model.action import Action, Found, answer, at_most, found
from runner.model.change import Change, FileChange, Status
from runner.model.lines import MOST_TOGETHER, sources, within
from runner.model.result import Result
from runner.model.value import Value
from runner.parsing import parse
from runner.ports import Trees
from runner.validators.supply import locks, lookalike, projects, secrets
from runner.validators.supply.manifest import Dependency, Manifest

name = "supply"

_INSIDE = Path(__file__).with_name("inside")
_FOR_READERS = frozenset({"test", "tests", "testing", "fixtures", "testdata", "test_data", "doc", "docs", "examples"})
_LICENCES = ("license", "licence", "copying", "unlicense")
_MOST_NAMED = 40
_MOST_COMPARED = 500
"""New names of a change that are compared with known ones, which takes a millisecond each; with more a person must look anyway."""


class Options(Value):
    """Secrets, and where code comes from: what follows from each kind of finding, at most."""

    secrets: Action = "fail"
    """A secret in an added line, by the format of who issues it; less follows in tests, for placeholders, and for formats that mean little."""
    dependencies: Action = "hold"
    """A dependency that is new or changed; one that is only dropped is a warning."""
    lookalikes: Action = "fail"
    """A new dependency whose name passes for another's; one that is only near to another's is held at most."""
    sources: Action = "hold"
    """Another package index, and dependencies by address or path instead of from an index."""
    locks: Action = "fail"
    """A lock file that pins another digest for the same release; a lock and a manifest that do not agree are held at most."""
    licences: tuple[str, ...] = ()
    """The licences that the project may declare, e.g. [MIT, Apache-2.0]; another is held. Empty: a change of licence is a warning."""


class _Pair(NamedTuple):
    """A changed dependency file on both sides."""

    path: str
    old: Manifest
    new: Manifest
    gone: bool


def judge(change: Change, trees: Trees, options: Options) -> Result:
    """Secrets and look-alikes reject; other changes of what is installed hold."""
    every = [*_secrets(change, trees, options), *_of_dependencies(change, trees, options), *_licence_files(change)]
    return answer(
        name,
        every,
        f"no secret, and nothing new about dependencies, in {len(change.files)} changed file{'' if len(change.files) == 1 else 's'}",
    )


def _secrets(change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    """What looks like a secret in added lines of texts; a renamed file is compared with what it was."""
    if options.secrets == "allow":
        return
    files, left = within(change.files)  # the intake says which files are large
    for file in left:
        why = f"was not searched for secrets: the change's files are larger than {MOST_TOGETHER // 2**20}MiB together"
        yield found("hold", file.path, "supply.secret", why, fix="Split the change.")._replace(unseen=True)
    contents = trees.blobs({blob for file in files for blob in file.blobs})
    made_from = sources(files, contents)
    texts = []
    for file in files:
        content = contents.get(file.new_blob)
        if file.status is not Status.DELETED and content is not None and b"\0" not in content[:8000]:
            texts.append(secrets.Text(file.path, contents.get(made_from.get(file.path, ""), b""), content, _is_for_readers(file.path)))
    yield from secrets.findings(texts, options.secrets)


def _is_for_readers(path: str) -> bool:
    """Whether a file is there for tests or for people: what looks like a secret there is often made up."""
    parts = PurePosixPath(path.lower()).parts
    named = parts[-1].startswith("test_") or parts[-1].endswith(("_test.py", "_test.go", ".md", ".rst", ".test.js", ".test.ts"))
    return named or bool(_FOR_READERS & set(parts[:-1]))


def _of_dependencies(change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    """What the changed dependency files say that they did not."""
    concerned = [file for file in change.files if projects.is_manifest(file.path)]
    pairs = _read(concerned, trees)
    yield from _names(pairs, change, trees, options)
    for pair in pairs:
        yield from _places(pair, options)
        yield from _licence(pair, options)
        for what in dict.fromkeys(one for one in pair.new.unread if one not in pair.old.unread):
            yield found(
                at_most(options.dependencies, "hold"), pair.path, "supply.unread", f"cannot be understood as dependencies: {_shown(what)}"
            )
    if pairs or any(locks.is_lock(file.path) for file in change.files):
        yield from _locks(pairs, change, trees, options)


def _read(files: Sequence[FileChange], trees: Trees) -> list[_Pair]:
    contents = trees.blobs({blob for file in files for blob in file.blobs})
    sides = [(file.path, contents.get(blob) if there else None) for file in files for blob, there in _both(file)]
    told = iter(_manifests(sides))
    return [_Pair(file.path, next(told), next(told), file.status is Status.DELETED) for file in files]


def _both(file: FileChange) -> tuple[tuple[str, bool], tuple[str, bool]]:
    return (file.old_blob, file.status is not Status.ADDED), (file.new_blob, file.status is not Status.DELETED)


def _manifests(sides: Sequence[tuple[str, bytes | None]]) -> list[Manifest]:
    """Each file as a manifest, an empty one where there is none; one child parses what needs a parser."""
    asked = {index: projects.source(path, content) for index, (path, content) in enumerate(sides) if content is not None}
    given = {index: source for index, source in asked.items() if source is not None}
    parsed = dict(zip(given, parse(list(given.values()), _INSIDE), strict=True))
    return [
        Manifest() if content is None else projects.read(path, content, parsed.get(index)) for index, (path, content) in enumerate(sides)
    ]


def _names(pairs: Sequence[_Pair], change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    """Dependencies that are new, changed or gone, over all files together: one that only moved between files is none of these."""
    old = {(one.ecosystem, one.name) for pair in pairs for one in pair.old.dependencies}
    new = {(one.ecosystem, one.name) for pair in pairs for one in pair.new.dependencies}
    specs = {(one.ecosystem, one.name, one.spec) for pair in pairs for one in _grouped(pair.old.dependencies).values()}
    own = old | _elsewhere(pairs, change, trees) if new - old else old
    compared = 0
    for pair in pairs:
        before, after = _grouped(pair.old.dependencies), _grouped(pair.new.dependencies)
        told: set[tuple[str, str]] = set()
        for key, one in after.items():
            identity = (one.ecosystem, one.name)
            if identity not in own and identity not in told:
                told.add(identity)
                yield _found(pair, "supply.new-dependency", f"adds the dependency {_one(one)}", options.dependencies)
                compared += 1
                if compared <= _MOST_COMPARED:
                    yield from _likeness(pair, one, {name for ecosystem, name in own if ecosystem == one.ecosystem}, options)
                elif compared == _MOST_COMPARED + 1:
                    told_of = f"adds more than {_MOST_COMPARED} dependencies; further names were not compared with known ones"
                    yield _found(pair, "supply.lookalike", told_of, at_most(options.lookalikes, "hold"))._replace(unseen=True)
            elif key not in before and (*identity, one.spec) not in specs and identity not in told:
                told.add(identity)
                yield _found(pair, "supply.changed-dependency", f"asks for {_one(one)} in another place", options.dependencies)
            elif key in before and before[key].spec != one.spec:
                was = _shown(before[key].spec) or "any version"
                yield _found(
                    pair,
                    "supply.changed-dependency",
                    f"{_shown(one.name)}: {was} -> {_shown(one.spec) or 'any version'}",
                    options.dependencies,
                )
        for identity in sorted({(one.ecosystem, one.name) for one in before.values()} - new):
            yield _found(pair, "supply.removed-dependency", f"no longer names {_shown(identity[1])}", at_most(options.dependencies, "warn"))


def _grouped(dependencies: Iterable[Dependency]) -> dict[tuple[str, str, str], Dependency]:
    """By ecosystem, name and group; requirements of one name that differ in their markers are one."""
    found: dict[tuple[str, str, str], Dependency] = {}
    for one in dependencies:
        key = (one.ecosystem, one.name, one.group)
        known = found.get(key)
        found[key] = one._replace(spec=" | ".join(sorted({*known.spec.split(" | "), one.spec}))) if known else one
    return found


def _elsewhere(pairs: Sequence[_Pair], change: Change, trees: Trees) -> set[tuple[str, str]]:
    """What the base's other dependency files, at the root and in `requirements`, name."""
    changed = {pair.path for pair in pairs}
    paths = [
        f"{folder}/{entry}" if folder else entry
        for folder in ("", "requirements")
        for entry in (one.path.decode("utf-8", "surrogateescape") for one in trees.listing(change.base_tree, folder))
    ]
    others = [path for path in paths if path not in changed and projects.is_manifest(path)][:_MOST_NAMED]
    manifests = _manifests([(path, trees.read(change.base_tree, path)) for path in others])
    return {(one.ecosystem, one.name) for manifest in manifests for one in manifest.dependencies}


def _likeness(pair: _Pair, one: Dependency, own: set[str], options: Options) -> Iterator[Found]:
    likeness = lookalike.like(one.name, one.ecosystem, own)
    if likeness is not None:
        how = "differs from it only in separators or letters that look alike" if likeness.exact else "is nearly that name"
        action = options.lookalikes if likeness.exact else at_most(options.lookalikes, "hold")
        fix = f"Did you mean {_shown(likeness.name)}? If not, have a person agree."
        yield _found(pair, "supply.lookalike", f"{_shown(one.name)} passes for {_shown(likeness.name)}: it {how}", action, fix)


def _places(pair: _Pair, options: Options) -> Iterator[Found]:
    """Indexes and addresses that the base's file does not have."""
    known = set(pair.old.indexes)
    for index in dict.fromkeys(pair.new.indexes):
        if index not in known:
            yield _found(
                pair,
                "supply.index",
                f"changes where packages come from or what their installation runs: {_address(index)}",
                options.sources,
            )
    for index in dict.fromkeys(pair.old.indexes) if not pair.gone else ():
        if index not in pair.new.indexes:
            yield _found(pair, "supply.index", f"no longer takes packages from: {_address(index)}", options.sources)
    had = {(one.ecosystem, one.name, one.source) for one in pair.old.dependencies}
    for one in dict.fromkeys(pair.new.dependencies):
        if one.source and (one.ecosystem, one.name, one.source) not in had:
            yield _found(
                pair, "supply.direct-source", f"takes {_shown(one.name)} from {_address(one.source)}, not from an index", options.sources
            )


def _licence(pair: _Pair, options: Options) -> Iterator[Found]:
    new = pair.new.licence
    if new == pair.old.licence or pair.gone or not (new or pair.old.licence):
        return
    allowed = not options.licences or new in options.licences
    message = f"the licence is now {_shown(new) or 'not named'}, and was {_shown(pair.old.licence) or 'not named'}"
    yield _found(pair, "supply.licence", message, "warn" if allowed else "hold", "Keep the licence, or have a person agree.")


def _licence_files(change: Change) -> Iterator[Found]:
    for file in change.files:
        stem = PurePosixPath(file.path.lower()).name.partition(".")[0]
        if stem in _LICENCES and "/" not in file.path:
            verb = {Status.ADDED: "adds", Status.DELETED: "removes"}.get(file.status, "changes")
            yield found("warn", file.path, "supply.licence", f"{verb} the text of the licence")


def _locks(pairs: Sequence[_Pair], change: Change, trees: Trees, options: Options) -> Iterator[Found]:
    """Whether lock files changed with their manifests, and what they pin now."""
    changed = {file.spelling: file for file in change.files}
    mild = at_most(options.locks, "hold")
    for file in change.files:
        if locks.is_lock(file.path) and file.status is not Status.DELETED:
            yield from _pinned(file, pairs, trees, options)
            folder = PurePosixPath(file.path).parent
            beside = {PurePosixPath(pair.path).name.lower() for pair in pairs if PurePosixPath(pair.path).parent == folder}
            mine = PurePosixPath(file.path).name.lower()
            if file.status is Status.MODIFIED and not any(mine in map(str.lower, locks.LOCKS_OF.get(one, ())) for one in beside):
                yield found("warn", file.path, "supply.lock-alone", "the lock changes and no manifest does", fix="Say why in the change.")
    for pair in pairs:
        same = {(one.name, one.spec, one.source) for one in pair.old.dependencies} == {
            (one.name, one.spec, one.source) for one in pair.new.dependencies
        }
        folder = PurePosixPath(pair.path).parent
        for lock in () if same or pair.gone else locks.LOCKS_OF.get(PurePosixPath(pair.path).name.lower(), ()):
            path = str(folder / lock) if str(folder) != "." else lock
            if path not in changed and trees.read(change.tree, path) is not None:
                yield _found(pair, "supply.lock-behind", f"dependencies change and {lock} does not", mild, "Write the lock anew.")


def _pinned(file: FileChange, pairs: Sequence[_Pair], trees: Trees, options: Options) -> Iterator[Found]:
    contents = trees.blobs(set(file.blobs))
    new = locks.pins(file.path, contents[file.new_blob]) if file.new_blob in contents else None
    old = locks.pins(file.path, contents[file.old_blob]) if file.status is not Status.ADDED and file.old_blob in contents else None
    if new is None:
        yield found("warn", file.path, "supply.lock-unread", "what this lock pins is not read here")
        return
    if old is not None:
        for artefact in locks.changed_digests(old, new)[:_MOST_NAMED]:
            message = f"pins another digest for {_shown(artefact)}: what was published does not change"
            yield found(options.locks, file.path, "supply.lock-digest", message, fix="Write the lock anew from the index.")
        for host in sorted(new.hosts - old.hosts):
            message = f"takes packages from {_shown(host)}, from where none came before"
            yield found(at_most(options.sources, "hold"), file.path, "supply.index", message)
    folder = PurePosixPath(file.path).parent
    for pair in pairs if new.names is not None else ():
        own = PurePosixPath(pair.path).name.lower()
        if PurePosixPath(pair.path).parent == folder and PurePosixPath(file.path).name in locks.LOCKS_OF.get(own, ()):
            fresh = {one.name for one in pair.new.dependencies if one.group != "build-system"} - {one.name for one in pair.old.dependencies}
            for missing in sorted(fresh - (new.names or frozenset()))[:_MOST_NAMED]:
                yield _found(
                    pair, "supply.lock-behind", f"{_shown(missing)} is new and {file.path} does not have it", at_most(options.locks, "hold")
                )


def _found(
    pair: _Pair, rule: str, message: str, action: Action, fix: str = "A person must agree to this; leave it out if it was not meant."
) -> Found:
    return found(action, pair.path, rule, message, fix=fix)


def _one(one: Dependency) -> str:
    return f"{_shown(one.name)} {_shown(one.spec)}".strip()


def _address(text: str) -> str:
    """An address without whoever is named in it."""
    head, mark, tail = text.partition("://")
    place = tail.partition("/")[0]
    return _shown(f"{head}{mark}{tail[place.rfind('@') + 1 :] if '@' in place else tail}".split("?")[0])


def _shown(text: str, most: int = 100) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"
