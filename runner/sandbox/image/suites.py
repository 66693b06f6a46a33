"""Which suite of Debian or Ubuntu has which Python, and which of them this machine can collect packages from."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

PYTHONS = {
    "debian": {"3.9": "bullseye", "3.11": "bookworm", "3.13": "trixie"},
    "ubuntu": {"3.8": "focal", "3.10": "jammy", "3.12": "noble"},
}
DEFAULT = ("debian", "bookworm")
_PROBE_SECONDS = 5
_HELPER = "/usr/lib/apt/apt-helper"


class Archive(NamedTuple):
    """One line of this host's package sources; `pocket` is what follows the suite's name, e.g. `-updates`."""

    address: str
    pocket: str
    component: str

    def line(self, suite: str) -> str:
        """The line of a sources.list that names it for a suite."""
        return f"deb {self.address} {suite}{self.pocket} {self.component}"


def suite_of_host(os_release: Path = Path("/etc/os-release")) -> tuple[str, str]:
    """Distribution (`debian` or `ubuntu`) and suite to build from: this host's own, else Debian bookworm."""
    try:
        lines = os_release.read_text().splitlines()
    except OSError:
        lines = []
    facts = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}
    suite = facts.get("VERSION_CODENAME", "")
    if facts.get("ID") in PYTHONS and re.fullmatch(r"[a-z]+", suite):
        return facts["ID"], suite
    return DEFAULT


def python_of(distribution: str, suite: str) -> str | None:
    """The Python that a suite brings, e.g. `3.11`; `None` for one not known here."""
    return next((python for python, name in PYTHONS[distribution].items() if name == suite), None)


def archives(suite: str) -> tuple[Archive, ...]:
    """The archives of `suite` that this host's apt uses; none when it is not known, and the default mirror serves."""
    if shutil.which("apt-get") is None:
        return ()
    argv = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"]
    told = subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    return archives_among(told.splitlines(), suite)


def archives_among(targets: Iterable[str], suite: str) -> tuple[Archive, ...]:
    """The distribution's own archives among `ORIGIN|URI|RELEASE|COMPONENT` lines; none without the main one."""
    found: dict[Archive, None] = {}
    for target in targets:
        origin, address, release, component = ([*target.split("|"), "", "", ""])[:4]
        wanted = release in (suite, f"{suite}-updates", f"{suite}-security") and component in ("main", "universe")
        if origin in ("Debian", "Ubuntu") and wanted and address.startswith(("http://", "https://")):
            found[Archive(address, release.removeprefix(suite), component)] = None
    return tuple(found) if any(not archive.pocket for archive in found) else ()


def sources(suite: str, own_suite: str, known: Sequence[Archive], answers: Callable[[str, str], bool] | None = None) -> tuple[str, ...]:
    """Lines of sources for a suite, from the archives known for the host's own; for another suite only those that answer."""
    has = answers or release_answers
    return tuple(archive.line(suite) for archive in known if suite == own_suite or has(archive.address, suite + archive.pocket))


def release_answers(address: str, release: str) -> bool:
    """Whether an archive offers a release, asked with this host's apt, so with its proxy and certificates."""
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        limits = [f"-oAcquire::{scheme}::Timeout={_PROBE_SECONDS}" for scheme in ("http", "https")]
        url = f"{address.rstrip('/')}/dists/{release}/Release"
        argv = [_HELPER, "-oAcquire::Retries=0", "-oAPT::Sandbox::User=root", *limits, "download-file", url, f"{folder}/Release"]
        try:
            done = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=4 * _PROBE_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def offered(distribution: str, own_suite: str) -> tuple[str, ...]:
    """The Pythons, e.g. `3.11`, that the package archives of this host have; the host's own suite counts unasked."""
    main = [archive for archive in archives(own_suite) if not archive.pocket][:1]

    def there(suite: str) -> bool:
        return suite == own_suite or bool(sources(suite, own_suite, main))

    known = PYTHONS[distribution]
    with ThreadPoolExecutor(len(known)) as pool:
        answers = list(pool.map(there, known.values()))
    return tuple(python for python, has in zip(known, answers, strict=True) if has)
