"""Requirement files of this host on their way into a build container."""

from pathlib import Path

import pytest

from runner.errors import ImageUnavailable
from runner.sandbox.image.requirement_files import gather


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_includes_come_along_and_are_renamed_so_that_the_place_of_the_files_makes_no_difference(tmp_path: Path) -> None:
    found = []
    for home in ("one", "two/deeper"):
        write(tmp_path, f"{home}/limits.txt", "attrs<25\n")
        write(tmp_path, f"{home}/base.txt", "-c limits.txt\nattrs --hash=sha256:00\n")
        found.append(gather([write(tmp_path, f"{home}/req/dev.txt", "-r ../base.txt  # basics\n--constraint=../limits.txt\npytest\n")]))
    assert found[0] == found[1]
    assert found[0].asked == ("0.txt",)
    assert found[0].contents == {
        "0.txt": b"-r 1.txt  # basics\n--constraint=2.txt\npytest",
        "1.txt": b"-c 2.txt\nattrs --hash=sha256:00",
        "2.txt": b"attrs<25",
    }


def test_files_that_include_one_another_end(tmp_path: Path) -> None:
    first = write(tmp_path, "a.txt", "-r b.txt\n")
    second = write(tmp_path, "b.txt", "-r a.txt\n")
    found = gather([first, second, first])
    assert (found.asked, len(found.contents)) == (("0.txt", "1.txt"), 2)


@pytest.mark.parametrize(
    "line", ["-e .", "--editable=../lib", "./wheels/a.whl", "/srv/a.whl", "file:///srv/a", "lib @ file:///srv/lib", ".[test]"]
)
def test_a_path_of_this_machine_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    file = write(tmp_path, "r.txt", f"attrs\n{line}\n")
    with pytest.raises(ImageUnavailable, match=r"r\.txt:2 names a path"):
        gather([file])


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    for name, text in (("absent.txt", "absent"), ("bytes.txt", "bytes")):
        with pytest.raises(ImageUnavailable, match=text):
            gather([tmp_path / name])
