from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.targets.spec import Spec, parse


def test_a_target_is_read_as_it_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live").symlink_to("releases")
    assert parse("git:repo#main") == Spec("git", tmp_path / "repo", "refs/heads/main")
    assert parse("git:/srv/../app.git#refs/tags/x") == Spec("git", Path("/app.git"), "refs/tags/x")
    assert parse("git:.#feature/one#two") == Spec("git", tmp_path / ".#feature/one", "refs/heads/two"), "the last # counts"
    assert parse("git:.") == Spec("git", tmp_path)
    assert parse("dir:live/") == Spec("dir", tmp_path / "live"), "a link stays one: it may be the live folder's own"
    assert parse("dir:sub/../a#b") == Spec("dir", tmp_path / "a#b")


def test_what_a_target_is_called_reads_as_the_same_target(tmp_path: Path) -> None:
    for spec in (Spec("git", tmp_path / "a#b", "refs/heads/main"), Spec("dir", tmp_path / "a#b"), Spec("git", tmp_path)):
        assert parse(str(spec)) == spec


def test_a_run_has_a_branch_of_its_own_where_none_is_named(tmp_path: Path) -> None:
    assert parse(f"git:{tmp_path}").at("abc").ref == "refs/heads/seatrial/abc"
    assert parse(f"git:{tmp_path}#main").at("abc").ref == "refs/heads/main"
    assert parse(f"dir:{tmp_path}").at("abc").ref == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "what kind"),
        ("/srv/app", "what kind"),
        ("https://example.org/x.git", "what kind"),
        ("GIT:x", "what kind"),
        ("git:", "no path"),
        ("git:#main", "no path"),
        ("dir:", "no path"),
        ("git:x#", "no ref"),
        ("git:x#HEAD", "only stands for"),
        ("git:x#@", "only stands for"),
        ("git:x#refs/remotes/origin/HEAD", "only stands for"),
        ("git:x#heads/main", "something else"),
        ("git:x#a..b", "allows no ref"),
        ("git:x#a b", "allows no ref"),
        ("git:x#-", "allows no ref"),
        ("git:x#.hidden", "allows no ref"),
        ("git:x#a.lock", "allows no ref"),
        ("git:x#refs/stash", "meaning of its own"),
        ("git:x#refs/seatrial/fence/r", "meaning of its own"),
        ("git:x#refs/replace/abc", "meaning of its own"),
        ("git:x\n#main", "cannot be typed"),
        ("git:x\x00#main", "cannot be typed"),
        ("dir:a\x1b[31m", "cannot be typed"),
        ("dir:a\u202eb", "cannot be typed"),
    ],
)
def test_what_is_no_target_is_refused_with_a_hint(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        parse(text)
    assert refused.value.hint
    assert str(refused.value).isprintable()
