import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from runner.changes.caps import Caps
from runner.changes.read import read_change
from runner.git.objects import PrivateObjects
from runner.model.result import Outcome, Result, Severity
from runner.validators import intake
from runner.validators.intake import Options

Files = Mapping[bytes, tuple[str, bytes]]
Judge = Callable[..., Result]
BASE: Files = {
    b"a.txt": ("100644", b"one\ntwo\n"),
    b"src/m.py": ("100644", b"x = 1\n"),
    b"run.sh": ("100755", b"#!/bin/sh\n"),
    b"link": ("120000", b"src"),
    b"img.png": ("100644", b"\x89PNG\0\0"),
}


def git(folder: Path, *args: str, stdin: bytes = b"", **env: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    return (
        subprocess.run(["git", *args], cwd=folder, input=stdin, env={**own, **who, **env}, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by all tests here, since objects never collide."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q")
    return folder


@cache
def write_blob(folder: Path, content: bytes) -> str:
    return git(folder, "hash-object", "-w", "--stdin", stdin=content)


@cache
def commit(folder: Path, files: tuple[tuple[bytes, tuple[str, bytes]], ...]) -> str:
    return git(folder, "commit-tree", "-m", "x", write_tree(folder, dict(files)))


def write_tree(folder: Path, files: Files) -> str:
    """A tree with any names whatever: through `mktree`, which forbids none."""
    lines = []
    below: dict[bytes, dict[bytes, tuple[str, bytes]]] = {}
    for path, (mode, content) in files.items():
        first, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(first, {})[rest] = (mode, content)
        else:
            blob = content.decode() if mode == "160000" else write_blob(folder, content)
            lines.append(b"%s %s %s\t%s" % (mode.encode(), b"commit" if mode == "160000" else b"blob", blob.encode(), first))
    lines += [b"040000 tree %s\t%s" % (write_tree(folder, inner).encode(), name) for name, inner in below.items()]
    return git(folder, "mktree", "-z", "--missing", stdin=b"\0".join([*lines, b""]))


@pytest.fixture
def judged(repository: Path, tmp_path: Path) -> Iterator[Judge]:
    """Judge the change from `base` (BASE when not given) to the same with `files` laid over it, `None` for removed ones."""
    stores = []

    def judge(files: Mapping[bytes, tuple[str, bytes] | None], base: Files = BASE, **options: object) -> Result:
        after = {path: entry for path, entry in {**base, **files}.items() if entry}
        commits = [commit(repository, tuple(side.items())) for side in (base, after)]
        objects = PrivateObjects(repository, tmp_path / "private")
        stores.append(objects)
        change = read_change(f"{commits[0]}..{commits[1]}", objects=objects, limits=Caps(max_patch=8 * 2**20))
        return intake.judge(change, objects, Options.model_validate(options))

    yield judge
    for store in stores:
        store.close()


def rules(result: Result) -> set[str]:
    return {finding.rule for finding in result.findings}


PLAIN = ("100644", b"x\n")


@pytest.mark.parametrize(
    ("path", "entry", "rule", "outcome"),
    [
        (b"passwd", ("120000", b"/etc/passwd"), "intake.symlink", "fail"),
        (b"link", ("120000", b"/"), "intake.symlink", "fail"),
        (b"sub", ("160000", b"1" * 40), "intake.submodule", "fail"),
        (b".gitmodules", PLAIN, "intake.submodule", "fail"),
        (b".GitModules", PLAIN, "intake.submodule", "fail"),
        (b"d/" * 128 + b"f", PLAIN, "intake.deep-path", "fail"),
        (b"d/" * 127 + b"f", PLAIN, None, "pass"),
        (b".gitattributes", PLAIN, "intake.git-file", "hold"),
        (b"src/.lfsconfig", PLAIN, "intake.git-file", "hold"),
        (b"../evil", PLAIN, "intake.traversal", "fail"),
        (b"src/../../evil", PLAIN, "intake.traversal", "fail"),
        (b"x\\..\\y", PLAIN, "intake.traversal", "fail"),
        ("\u2025/x".encode(), PLAIN, "intake.traversal", "fail"),
        (b"\\\\server\\x", PLAIN, "intake.absolute-path", "fail"),
        (b"C:\\x", PLAIN, "intake.absolute-path", "fail"),
        (b".git/hooks/x", PLAIN, "intake.dot-git", "fail"),
        (b"src/.GIT", PLAIN, "intake.dot-git", "fail"),
        (b"git~1/config", PLAIN, "intake.dot-git", "fail"),
        (b".git. /x", PLAIN, "intake.dot-git", "fail"),
        (b".git::$INDEX_ALLOCATION/x", PLAIN, "intake.dot-git", "fail"),
        (b"a\\.git\\x", PLAIN, "intake.dot-git", "fail"),
        (".g\u200cit/config".encode(), PLAIN, "intake.dot-git", "fail"),
        ("\uff0egit/config".encode(), PLAIN, "intake.dot-git", "fail"),
        (".g\u0131t".encode(), PLAIN, None, "pass"),
        (b"A.TXT", PLAIN, "intake.collision", "fail"),
        (b"SRC/new.py", PLAIN, "intake.collision", "fail"),
        ("stra\u00dfe".encode(), PLAIN, None, "pass"),
        (b"two\nlines", PLAIN, "intake.name-control", "fail"),
        (b"esc\x1b[31m", PLAIN, "intake.name-control", "fail"),
        ("txt.\u202eyp".encode(), PLAIN, "intake.name-bidi", "fail"),
        ("m\u200b.py".encode(), PLAIN, "intake.name-invisible", "fail"),
        (b"\xff\xfe", PLAIN, "intake.name-not-utf8", "fail"),
        ("e\u0301.txt".encode(), PLAIN, "intake.name-not-nfc", "hold"),
        (b"-rf", PLAIN, "intake.leading-dash", "hold"),
        (b"a:b", PLAIN, "intake.reserved-character", "hold"),
        (b"what?", PLAIN, "intake.reserved-character", "hold"),
        (b"trailing ", PLAIN, "intake.trailing-blank", "hold"),
        (b"dot.", PLAIN, "intake.trailing-blank", "hold"),
        (b"src/AUX.py", PLAIN, "intake.device-name", "hold"),
        (b"com1", PLAIN, "intake.device-name", "hold"),
        (b"l" * 201, PLAIN, "intake.long-name", "fail"),
        (b"/".join([b"d" * 100] * 11), PLAIN, "intake.long-path", "fail"),
        (b"new.sh", ("100755", b"x\n"), "intake.exec-bit", "hold"),
        (b"a.txt", ("100755", b"one\ntwo\n"), "intake.exec-bit", "hold"),
        (b"run.sh", ("100644", b"#!/bin/sh\n"), "intake.mode", "warn"),
        (b"link", ("100644", b"text\n"), "intake.type-change", "hold"),
        (b"a.txt", ("120000", b"src"), "intake.type-change", "fail"),
        (b"src/m.pyc", PLAIN, "intake.bytecode", "fail"),
        (b"innocent", ("100644", b"\xa7\r\r\n\1\0\0\0" + b"\0" * 20), "intake.bytecode", "fail"),
        (b"innocent", ("100644", b"\x7fELF\2\1\1\0"), "intake.native", "fail"),
        (b"innocent", ("100644", b"MZ\x90\0\3\0"), "intake.native", "fail"),
        (b"m.cpython-311.so", ("100644", b"\0\1\2"), "intake.native", "fail"),
        (b"notes", ("100644", b"MZ is a magic\n"), None, "pass"),
        (b"img2.png", ("100644", b"\x89PNG\0\0"), "intake.binary", "hold"),
        (b"img.png", ("100644", b"\x89PNG\0\1"), "intake.binary", "hold"),
        (b"large.txt", ("100644", b"line\n" * 220_000), "intake.oversize", "hold"),
        (b"src/plain.py", PLAIN, None, "pass"),
        ("src/größe_数.py".encode(), PLAIN, None, "pass"),
        (b"README", ("100644", "مرحبا שלום\n".encode()), None, "pass"),
    ],
)
def test_every_kind_of_finding(judged: Judge, path: bytes, entry: tuple[str, bytes], rule: str | None, outcome: str) -> None:
    result = judged({path: entry}, max_file="1MiB")
    assert (result.check, result.outcome) == ("intake", outcome), result
    assert rule in rules(result) if rule else not result.findings
    if rule:
        finding = next(finding for finding in result.findings if finding.rule == rule)
        assert finding.fix
        assert result.reason.isprintable()


@pytest.mark.parametrize(
    ("line", "rule", "outcome"),
    [
        ("if a:\u202e # x", "intake.bidi", "fail"),
        ("x = '\u2066'", "intake.bidi", "fail"),
        ("print('\x1b[31m')", "intake.control-character", "hold"),
        ("nul is binary, bell is \x07", "intake.control-character", "hold"),
        ("c1 \u009b control", "intake.control-character", "hold"),
        ("separator \u2028 hides", "intake.control-character", "hold"),
        ("# comment\rimport os", "intake.bare-cr", "hold"),
        ("admin\u200b = 1", "intake.invisible", "hold"),
        ("ad\u200dmin = 1", "intake.invisible", "hold"),
        ("ad\u00admin = 1", None, "pass"),
        ("const \u3164 = 1", "intake.invisible", "hold"),
        ("s = 'x\U000e0101\U000e0102'", "intake.invisible", "hold"),
        ("s = 'x\ufe01\ufe02'", "intake.invisible", "hold"),
        ("s = 'hi\U000e0041\U000e0042'", "intake.invisible", "hold"),
        ("family 👨\u200d👩\u200d👧 and heart ❤\ufe0f and 1\ufe0f\u20e3", None, "pass"),
        ("flag 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", None, "pass"),
        ("می\u200cخواهم HTML\u200cها क्\u200dष", None, "pass"),  # noqa: RUF001
        ("葛\U000e0100", None, "pass"),
        ("form \x0c feed and tab\t", None, "pass"),
        ("windows line\r", None, "pass"),
        ("שלום \u200f עולם \u200e", None, "pass"),
    ],
)
def test_characters_that_mislead_are_found_where_they_are_added(judged: Judge, line: str, rule: str | None, outcome: str) -> None:
    result = judged({b"src/m.py": ("100644", f"x = 1\n{line}\n".encode())})
    assert result.outcome == outcome, result
    assert [(finding.rule, finding.line) for finding in result.findings] == ([(rule, 2)] if rule else [])


@pytest.mark.parametrize("old", ["\ufeffx = 1\n", "\x0c\nx = '\x07\x1b'\n", "x = '\u202e'\n", "a\rb\n", "ad\u200bmin\n"])
def test_what_the_base_has_already_is_not_held_against_the_change(judged: Judge, old: str) -> None:
    base = {b"m.py": ("100644", old.encode())}
    assert judged({b"m.py": ("100644", f"# first\n{old}# last\n".encode())}, base).outcome is Outcome.PASS


def test_an_edited_line_keeps_its_old_control_characters_but_moved_bidi_is_looked_at(judged: Judge) -> None:
    base = {b"m.py": ("100644", "x = '\x07'\ny = '\u202e'\n".encode())}
    assert judged({b"m.py": ("100644", "xx = '\x07'\ny = '\u202e'\n".encode())}, base).outcome is Outcome.PASS
    assert judged({b"m.py": ("100644", "x = '\x07'\nyy = '\u202e'\n".encode())}, base).outcome is Outcome.HOLD
    assert judged({b"m.py": ("100644", "x = '\x07\x07'\ny = '\u202e'\n".encode())}, base).outcome is Outcome.HOLD


def test_bytes_that_are_not_utf8_are_no_finding_and_hide_none(judged: Judge) -> None:
    assert judged({b"l.py": ("100644", "# -*- coding: latin-1 -*-\ns = 'é'\n".encode("latin-1"))}).outcome is Outcome.PASS
    assert judged({b"l.py": ("100644", b"\xe9" + "\u202e".encode() + b"\n")}).outcome is Outcome.FAIL


def test_names_of_the_base_and_deletions_are_no_findings(judged: Judge) -> None:
    base = {b"aux/-x:y/old.py": PLAIN, b"AUX/z": PLAIN, b"lib.so": ("100644", b"\0"), b"l": ("120000", b"x"), b"\xff": PLAIN}
    assert (
        judged({b"aux/-x:y/old.py": ("100644", b"y\n"), b"aux/-x:y/new.py": PLAIN, b"\xff": ("100644", b"z\n")}, base).outcome
        is Outcome.PASS
    )
    assert judged({b"lib.so": None, b"l": None, b"AUX/z": None}, base).outcome is Outcome.PASS


def test_a_renaming_by_case_alone_is_no_collision(judged: Judge) -> None:
    assert judged({b"a.txt": None, b"A.txt": PLAIN}).outcome is Outcome.PASS


def test_names_that_differ_only_in_unicode_form_collide(judged: Judge) -> None:
    base = {"\u00e9.txt".encode(): PLAIN}
    assert "intake.collision" in rules(judged({"e\u0301.txt".encode(): PLAIN}, base))


def test_the_policy_decides_what_follows(judged: Judge) -> None:
    link = {b"passwd": ("120000", b"/etc/passwd")}
    assert judged(link, symlinks="hold").outcome is Outcome.HOLD
    assert judged(link, symlinks="warn").findings[0].severity is Severity.INFO
    assert judged(link, symlinks="allow").outcome is Outcome.PASS


def test_no_policy_lets_in_what_cannot_be_written(judged: Judge) -> None:
    for deep in (b"d/" * 128 + b"f", b"\xff/" * 128 + b"f"):
        assert judged({deep: PLAIN}, names="allow").outcome is Outcome.FAIL


def test_submodules_may_be_taken_out(judged: Judge) -> None:
    base = {**BASE, b".gitmodules": ("100644", b"[submodule]\n"), b"sub": ("160000", b"1" * 40)}
    assert judged({b".gitmodules": None, b"sub": None}, base).outcome is Outcome.PASS
    assert judged({b".gitmodules": PLAIN}, base).outcome is Outcome.HOLD
    assert judged({b".gitmodules": PLAIN}, base, submodules="warn").outcome is Outcome.WARN
    assert judged({b".gitmodules": PLAIN, b"other": ("160000", b"1" * 40)}, base).outcome is Outcome.FAIL


def test_findings_are_capped_and_the_worst_comes_first(judged: Judge) -> None:
    many: dict[bytes, tuple[str, bytes]] = {b"n%d:" % number: PLAIN for number in range(250)}
    result = judged({**many, b"zz": ("120000", b"x")})
    assert (result.outcome, result.measured, len(result.findings)) == (Outcome.FAIL, 251, 200)
    assert result.findings[0].rule == "intake.symlink"
    assert "251 findings; the worst: zz" in result.reason
