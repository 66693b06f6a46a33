"""A build container: fed with files, it runs commands with the network on, and what is left in it becomes an image."""

from __future__ import annotations

import io
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from runner.sandbox import leftovers, live
from runner.sandbox.engine import speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.ports import TreeEntry, Trees
    from runner.sandbox.engine import Engine

LONGEST_SECONDS = 3600
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
"""What installing packages needs of root; mounting, raw sockets, devices and the rest are not among it."""
MOST_PROCESSES = 2048
_KEPT_OUTPUT = 2**20
_BLOBS_AT_ONCE = 500
_SPOOLED = 64 * 2**20
_FILE_TIME = 1577836800
"""The time of every file sent, in seconds since the epoch: archives made from them know no date before 1980."""
_TREE_MODES = {"120000": tarfile.SYMTYPE, "160000": tarfile.DIRTYPE}


@dataclass(frozen=True)
class BuildBox:
    """One running build container."""

    engine: Engine
    id: str

    def put(self, files: Mapping[str, bytes], folder: str) -> None:
        """Write files (names relative to `folder`, which is made) as root, readable by all."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spool:
            with tarfile.open(fileobj=spool, mode="w") as tar:
                _add_folder(tar, folder.strip("/"))
                for name, content in files.items():
                    _add_file(tar, f"{folder.strip('/')}/{name}", content, 0o644)
            self._send(spool)

    def put_tree(self, trees: Trees, tree: str, folder: str) -> None:
        """Write every file and symlink of a tree below `folder`; submodules become empty folders."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spool:
            with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add_folder(tar, folder.strip("/"))
                _add_entries(tar, trees, list(trees.entries(tree)), folder.strip("/") + "/")
            self._send(spool)

    def _send(self, spool: IO[bytes]) -> None:
        spool.seek(0)
        with speaking("send files into the build container", self.engine.address):
            self.engine.api.put_archive(self.id, "/", iter(lambda: spool.read(2**20), b""))

    def run(self, argv: Sequence[str], env: Mapping[str, str], line: Callable[[str], None]) -> tuple[int, str]:
        """Run a command as root, each line of output given to `line`; its exit status and the last MiB that it printed.

        `env` is this command's alone: it never becomes part of the image.
        """
        api = self.engine.api
        with speaking("run a command in the build container", self.engine.address):
            command = api.exec_create(self.id, list(argv), environment=dict(env), user="0:0", workdir="/")["Id"]
            output = bytearray()
            with _output(api.exec_start(command, socket=True)) as chunks:
                for text in _lines(chunks):
                    output += text.encode() + b"\n"
                    del output[:-_KEPT_OUTPUT]
                    line(text)
            status = api.exec_inspect(command)["ExitCode"]
        return -1 if status is None else int(status), output.decode("utf-8", "replace")

    def commit(self, reference: str, config: Mapping[str, object]) -> str:
        """Make an image of the container's file system under that name; the image's id. `config` is as in the engine's API."""
        repository, _, tag = reference.rpartition(":")
        labels = {**dict.fromkeys((leftovers.RUN, leftovers.PURPOSE, leftovers.HOME), ""), **_mapping(config.get("Labels"))}
        with speaking(f"make the image {reference}", self.engine.address):
            made = self.engine.api.commit(self.id, repository, tag, conf={**config, "Labels": labels})
        return str(made["Id"])


@contextmanager
def build_box(engine: Engine, image: str, cache: Path) -> Iterator[BuildBox]:
    """A started container of `image`, gone afterwards whatever happens; the sweep removes it should this process be killed.

    It uses the host's network, so that proxies on this machine's own addresses work, and ends by itself after an hour.
    """
    run = live.begin(cache / "live")
    try:
        container = _create(engine, image, leftovers.labels(run.id, "build", leftovers.home_label(cache)), f"seatrial-{run.id}-build")
        try:
            with speaking("start the build container", engine.address):
                engine.api.start(container)
            yield BuildBox(engine, container)
        finally:
            leftovers.remove_container(engine, container)
    finally:
        run.dispose()


def _create(engine: Engine, image: str, labels: Mapping[str, str], name: str) -> str:
    from docker.types import LogConfig

    api = engine.api
    with speaking("create the build container", engine.address):
        host = api.create_host_config(
            network_mode="host",
            init=True,
            log_config=LogConfig(type=LogConfig.types.NONE),
            cap_drop=["ALL"],
            cap_add=list(CAPABILITIES),
            security_opt=["no-new-privileges:true"],
            pids_limit=MOST_PROCESSES,
        )
        made = api.create_container(
            image, command=[str(LONGEST_SECONDS)], entrypoint=["sleep"], user="0:0", labels=dict(labels), name=name, host_config=host
        )
    return str(made["Id"])


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, _FILE_TIME
    tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), mode, _FILE_TIME
    tar.addfile(entry, io.BytesIO(content))


def write_entries(target: IO[bytes], trees: Trees, entries: Sequence[TreeEntry]) -> None:
    """Write a tar of these entries of a tree, with paths from its root."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_entries(tar, trees, entries, "")


def _add_entries(tar: tarfile.TarFile, trees: Trees, entries: Sequence[TreeEntry], folder: str) -> None:
    """Files and links below `folder` (`""` or ending in a slash); submodules become empty folders."""
    for start in range(0, len(entries), _BLOBS_AT_ONCE):
        part = entries[start : start + _BLOBS_AT_ONCE]
        blobs = trees.blobs({entry.blob for entry in part if entry.mode != "160000"})
        for entry in part:
            name = f"{folder}{entry.path.decode('utf-8', 'surrogateescape')}"
            if entry.mode not in _TREE_MODES:
                _add_file(tar, name, blobs[entry.blob], 0o755 if entry.mode == "100755" else 0o644)
                continue
            special = tarfile.TarInfo(name)
            special.type, special.mode, special.mtime = _TREE_MODES[entry.mode], 0o755, _FILE_TIME
            special.linkname = blobs[entry.blob].decode("utf-8", "surrogateescape") if entry.mode == "120000" else ""
            tar.addfile(special)


@contextmanager
def _output(socket: Any) -> Iterator[Iterator[bytes]]:
    """What a command prints; the docker library hands out a reader over a socket over a response, and closes none of them."""
    from docker.utils.socket import frames_iter

    try:
        yield (chunk for _, chunk in frames_iter(socket, tty=False))
    finally:
        for part in (getattr(socket, "_response", None), socket, getattr(socket, "_sock", None)):
            if part is not None:
                part.close()


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines of a stream; an endless line is cut where it grows beyond what is kept."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
        if len(rest) > _KEPT_OUTPUT:
            yield rest.decode("utf-8", "replace")
            rest = b""
    if rest:
        yield rest.decode("utf-8", "replace")


def _mapping(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}
