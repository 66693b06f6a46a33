"""Which suite has which Python, and which archives of this host have the suite."""

from pathlib import Path

import pytest

from runner.sandbox.image.suites import PYTHONS, Archive, archives_among, python_of, sources, suite_of_host


@pytest.mark.parametrize(
    ("os_release", "suite"),
    [
        ("ID=debian\nVERSION_CODENAME=trixie\n", ("debian", "trixie")),
        ('ID="ubuntu"\nVERSION_CODENAME="noble"\n', ("ubuntu", "noble")),
        ("ID=fedora\nVERSION_CODENAME=forty\n", ("debian", "bookworm")),
        ("ID=debian\nPRETTY_NAME=sid\n", ("debian", "bookworm")),
        ('ID=debian\nVERSION_CODENAME="x; rm -rf /"\n', ("debian", "bookworm")),
        (None, ("debian", "bookworm")),
    ],
)
def test_the_suite_is_the_hosts_own_where_it_has_one(tmp_path: Path, os_release: str | None, suite: tuple[str, str]) -> None:
    file = tmp_path / "os-release"
    if os_release is not None:
        file.write_text(os_release)
    assert suite_of_host(file) == suite


def test_only_the_distributions_own_archives_of_the_suite_are_used_as_mirrors() -> None:
    targets = [
        "Debian|http://mirror/debian/|bookworm|main",
        "Debian|http://mirror/debian/|bookworm|contrib",
        "Debian|http://mirror/security/|bookworm-security|main",
        "Debian|http://mirror/debian/|trixie|main",
        "Docker|https://elsewhere/|bookworm|main",
        "Debian|file:/srv/debian/|bookworm-updates|main",
        "odd line",
    ]
    known = archives_among(targets, "bookworm")
    assert sources("bookworm", "bookworm", known) == (
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/security/ bookworm-security main",
    )
    assert archives_among(targets[2:3], "bookworm") == ()


def test_another_suite_is_looked_for_in_the_same_archives_and_only_what_answers_counts() -> None:
    known = (Archive("http://m/debian", "", "main"), Archive("http://s/debian", "-security", "main"))
    asked = []

    def answers(address: str, release: str) -> bool:
        asked.append((address, release))
        return release == "trixie"

    assert sources("trixie", "bookworm", known, answers) == ("deb http://m/debian trixie main",)
    assert asked == [("http://m/debian", "trixie"), ("http://s/debian", "trixie-security")]


def test_every_python_has_one_suite_and_is_found_by_it() -> None:
    for distribution, pythons in PYTHONS.items():
        assert {python_of(distribution, suite): suite for suite in pythons.values()} == pythons
    assert python_of("debian", "forky") is None
