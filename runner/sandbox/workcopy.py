"""The working copy of one job: copy-on-write over the snapshot where the engine shares our files, else streamed."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import ChangeRefused, InfrastructureError
from runner.model.sandbox import Job
from runner.ports import TreeEntry, Trees
from runner.sandbox import delta, holder
from runner.sandbox.engine import Engine
from runner.sandbox.mounts import mount_tmpfs
from runner.sandbox.profile import WORK, pages, tmpfs_options
from runner.sandbox.snapshots import MODIFIED, Snapshots, contents, disk_errors
from runner.sandbox.treewriter import EXECUTABLE, FOLDER_MODE, GITLINK, LINK, Owner, UnsafePath, components

OVERLAY, STREAM = "overlay", "stream"
_LONGEST_OPTIONS = 4000
_SCRATCH = "/scratch"
_PER_FILE = 8192
"""Room for one more entry, by bytes and by the inode cap."""


class OverlayRefused(Exception):
    """No overlay can be had here; another strategy may work."""


class WorkCopy(NamedTuple):
    """A mount for the container, and how to recognise from inside that it is the right one."""

    mount: dict[str, Any]
    size: int
    """Bytes of the file system under it."""
    sample: tuple[delta.Sample, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links for the launcher to make, since the engine refuses them: path and target."""


class Place(NamedTuple):
    """Where and for whom a working copy is made."""

    engine: Engine
    directory: Path
    """The run's own directory on this host."""
    name: str
    """Names of the run's containers and volumes begin so."""
    labels: Mapping[str, str]
    owner: Owner


def strategy(engine: Engine, cache: Path) -> str:
    """`overlay` where the engine's host can be this one and paths fit into mount options, else `stream`."""
    awkward = any(sign in os.fspath(cache) for sign in ":,\\") or len(os.fspath(cache)) * 4 > _LONGEST_OPTIONS - 400
    if awkward or not engine.on_this_host:
        return STREAM
    return STREAM if any(map(engine.has_option, ("rootless", "userns", "selinux"))) else OVERLAY


def overlay(place: Place, job: Job, trees: Trees, snapshots: Snapshots, workers: Executor) -> WorkCopy:
    """Layers: the snapshot, the job's differences, and a sized memory file system on top; O(1) in the size of the tree.

    Raises OverlayRefused, UsageError, ChangeRefused, InfrastructureError.
    """
    upper = workers.submit(_upper, place, job)
    try:
        with disk_errors("write the changed files"):
            lower = snapshots.ensure(job.base_tree, trees, place.directory)
            changed = delta.differences(job.base_tree, job.tree, trees)
            layer = place.directory / "delta"
            whiteouts = _write_layer(layer, changed, job, trees, place.owner)
            sample = delta.sample(changed, whiteouts, job.tree, trees)
    finally:
        top = upper.result()
    layers = f"lowerdir={layer}:{lower},upperdir={top}/upper,workdir={top}/work,redirect_dir=on,nosuid,nodev"
    options = {"type": "overlay", "device": "overlay", "o": layers}
    mount = holder.volume(f"{place.name}-work", WORK, options, place.labels)
    return WorkCopy(mount=mount, size=pages(job.limits.disk), sample=sample)


def _write_layer(layer: Path, changed: tuple[delta.Difference, ...], job: Job, trees: Trees, owner: Owner) -> tuple[bytes, ...]:
    try:
        return delta.write_layer(layer, changed, job.tree, trees, owner)
    except PermissionError as problem:  # whiteouts need a kernel of 5.8, or privileges
        raise OverlayRefused(f"cannot mark deleted files: {problem}") from problem


def _upper(place: Place, job: Job) -> str:
    """Where the engine finds the writable side: a mount of ours when we may, else a volume that a holder keeps."""
    size = job.limits.disk
    if os.getuid() == 0 and place.engine.shares_our_files:
        with suppress(OSError):
            return os.fspath(_mounted(place.directory / "upper", tmpfs_options(size, place.owner, "1777"), place.owner))
    mount = holder.memory_volume(f"{place.name}-upper", _SCRATCH, size, place.owner, place.labels)
    archive = (_directories(("upper", "work"), place.owner),)
    return holder.hold(place.engine, f"{place.name}-holder", job.image.id, mount, place.owner, place.labels, archive)


def _mounted(top: Path, options: str, owner: Owner) -> Path:
    top.mkdir(mode=0o700)
    mount_tmpfs(top, options)
    for name in ("upper", "work"):
        (top / name).mkdir()
        (top / name).chmod(FOLDER_MODE)
        os.chown(top / name, *owner)
    return top


def stream(place: Place, job: Job, trees: Trees) -> WorkCopy:
    """The whole tree as a tar archive, unpacked by the engine into a memory volume; O(files).

    Raises UsageError, ChangeRefused, InfrastructureError.
    """
    with disk_errors("write the working copy's archive"):
        archive = place.directory / "tree.tar"
        held, links = _write_archive(archive, job.tree, trees, place.owner)
        size = pages(job.limits.disk) + held
        mount = holder.memory_volume(f"{place.name}-work", WORK, size, place.owner, place.labels)
        with archive.open("rb") as body:
            chunks = iter(lambda: body.read(2**20), b"")
            holder.hold(place.engine, f"{place.name}-holder", job.image.id, mount, place.owner, place.labels, chunks)
        archive.unlink()
    changed = delta.differences(job.base_tree, job.tree, trees)
    return WorkCopy(mount=mount, size=size, sample=delta.sample(changed, (), job.tree, trees), links=links)


def _write_archive(archive: Path, tree: str, trees: Trees, owner: Owner) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Write the tar; an upper bound of the bytes its content takes in a memory file system, and the links left out."""
    held = 0
    left_out: list[tuple[str, str]] = []
    leaves: set[bytes] = set()
    directories: set[bytes] = set()
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as tar:
        for entry, content in contents(trees.entries(tree), trees):
            above = _ancestors(entry.path)
            if entry.path in leaves or entry.path in directories or not leaves.isdisjoint(above):
                raise ChangeRefused(f"The tree holds two entries of one name: {ascii(os.fsdecode(entry.path))[:300]}.")
            leaves.add(entry.path)
            for directory in above:
                if directory not in directories:
                    directories.add(directory)
                    tar.addfile(_directory(directory, owner))
            member = _member(entry, content, owner)
            if member.issym() and _leads_out(member):
                left_out.append((member.name, member.linkname))
            else:
                tar.addfile(member, io.BytesIO(content))
            held += pages(len(content)) + _PER_FILE
    return held + len(directories) * _PER_FILE, tuple(left_out)


def _leads_out(member: tarfile.TarInfo) -> bool:
    """Whether an engine would refuse to unpack the link: its target, read as relative, is above the working copy."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname.lstrip("/"))).startswith("..")


def _ancestors(path: bytes) -> list[bytes]:
    try:
        parts = components(path)
    except UnsafePath as problem:
        raise ChangeRefused(f"The tree holds a path that cannot be written safely: {problem}.") from problem
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


def _member(entry: TreeEntry, content: bytes, owner: Owner) -> tarfile.TarInfo:
    if entry.mode == GITLINK:
        return _directory(entry.path, owner)
    member = _blank(entry.path, owner)
    if entry.mode == LINK:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, content.decode("utf-8", "surrogateescape"), 0o777
    else:
        member.size, member.mode = len(content), 0o755 if entry.mode == EXECUTABLE else 0o644
    return member


def _directory(path: bytes, owner: Owner) -> tarfile.TarInfo:
    member = _blank(path, owner)
    member.type, member.mode = tarfile.DIRTYPE, FOLDER_MODE
    return member


def _blank(path: bytes, owner: Owner) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
    member.uid, member.gid = owner
    member.mtime = MODIFIED
    return member


def _directories(names: tuple[str, ...], owner: Owner) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name in names:
            tar.addfile(_directory(name.encode(), owner))
    return body.getvalue()


def is_mount_failure(problem: InfrastructureError) -> bool:
    """Whether the engine refused to mount a volume, so that another strategy may still work."""
    return "failed to mount local volume" in str(problem) or "error while mounting volume" in str(problem)
