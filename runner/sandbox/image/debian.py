"""A base image from Debian or Ubuntu packages, for machines where no image registry answers."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from runner.errors import ImageUnavailable
from runner.sandbox import live
from runner.sandbox.engine import Engine, speaking

PACKAGES = ("python3", "python3-venv", "ca-certificates", "tzdata")
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/lintian/*")
_CLEAN = (
    'rm -rf "$1"/var/cache/* "$1"/var/log/* "$1"/var/lib/apt/lists/* "$1"/var/lib/dpkg/*-old '
    '"$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/auth.conf*'
)
_APT_SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
_APT_LINE = re.compile(r'Acquire::[\w:.+/-]+ "[^"\n]*";')
_NEEDED = "mmdebstrap"
_CHUNK = 2**20
_GLANCE_SECONDS = 0.2
_TOLD = ("downloading", "extracting", "installing", "creating")


def can_build() -> bool:
    """Whether the tool that collects the packages is here."""
    return shutil.which(_NEEDED) is not None


def build(
    engine: Engine, distribution: str, suite: str, mirrors: Sequence[str], changes: Sequence[str], cache: Path, note: Callable[[str], None]
) -> str:
    """Collect the packages and import them; the new image's id. `changes` are Dockerfile instructions such as `LABEL a=b`.

    `mirrors` are lines of sources; without any the default mirror serves.

    Takes about half a minute and 250 MiB in the cache, until it is done. Raises ImageUnavailable with the tool's last lines.
    """
    with live.scratch(cache / "live") as folder:
        tar = folder / "root.tar"
        _collect(command(distribution, suite, tar, apt_settings(), mirrors), folder / "log", note)
        note("importing the packages as an image")
        with tar.open("rb") as stream, speaking("import the base image", engine.address):
            chunks = iter(lambda: stream.read(_CHUNK), b"")  # a file would be sent with two lengths, which old engines refuse
            answer = engine.api.import_image_from_stream(chunks, changes=list(changes))
    return _imported(answer)


def command(distribution: str, suite: str, tar: Path, apt_settings: Iterable[str], mirrors: Sequence[str]) -> list[str]:
    """The command line that writes the root file system to `tar`; documentation, translations and apt's files are left out."""
    components = ["--components=main,universe"] if distribution == "ubuntu" else []
    return [
        _NEEDED,
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *components,
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"',
        *(f"--aptopt={setting}" for setting in apt_settings),
        f"--customize-hook={_CLEAN}",
        suite,
        str(tar),
        *mirrors,
    ]


def _collect(argv: Sequence[str], log: Path, note: Callable[[str], None]) -> None:
    """Run the collector; it is ended, and tidies up after itself, when we are interrupted.

    It writes to a file: a pipe would break when we are killed, and the tool then leaves its mounts and what it unpacked.
    """
    said: list[str] = []
    clean = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    with (
        log.open("wb") as sink,
        log.open(encoding="utf-8", errors="replace") as source,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=clean) as process,
    ):
        try:
            for line in _lines_until_dead(process, source):
                said.append(line)
                if line.startswith("I: ") and line[3:].startswith(_TOLD):
                    note(line[3:])
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ImageUnavailable(
            "collecting the Debian packages of the base image failed:\n" + "\n".join(said[-12:]),
            hint="Check that the package mirror can be reached (apt-get update), or name an image in sandbox.build.base.",
        )


def _lines_until_dead(process: "subprocess.Popen[bytes]", source: TextIO) -> Iterator[str]:
    rest = ""
    while True:
        dead = process.poll() is not None
        *lines, rest = (rest + source.read()).split("\n")
        yield from (line.rstrip() for line in lines)
        if dead:
            break
        time.sleep(_GLANCE_SECONDS)
    if rest:
        yield rest.rstrip()


def apt_settings() -> tuple[str, ...]:
    """The proxy, certificate and date settings of this host's apt, for this one run; they are removed from the image."""
    if shutil.which("apt-config") is None:
        return ()
    argv = ["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', *_APT_SETTINGS]
    dump = subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    return tuple(line for line in dump.splitlines() if _APT_LINE.fullmatch(line))


def _imported(answer: Any) -> str:
    """The image id in the engine's answer to an import: JSON lines, the last status is the id."""
    text = answer if isinstance(answer, str) else bytes(answer).decode("utf-8", "replace")
    for line in reversed([json.loads(part) for part in text.splitlines() if part.strip()]):
        if "error" in line:
            raise ImageUnavailable(f"the engine could not import the base image: {line['error']}", hint="See the engine's log.")
        if str(line.get("status", "")).startswith("sha256:"):
            return str(line["status"])
    raise ImageUnavailable("the engine did not say which image it imported", hint="Try again.")
