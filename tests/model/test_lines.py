"""Which lines are new, and what an added file was made from."""

from runner.model.change import FileChange, Status
from runner.model.lines import new_lines, sources


def file(path: str, old: bytes | None, new: bytes | None, contents: dict[str, bytes]) -> FileChange:
    blobs = {}
    for side, content in (("old", old), ("new", new)):
        blobs[side] = f"{path}:{side}" if content is not None else ""
        if content is not None:
            contents[blobs[side]] = content
    status = Status.ADDED if old is None else Status.DELETED if new is None else Status.MODIFIED
    return FileChange(name=path.encode(), path=path, status=status, old_mode="", new_mode="", old_blob=blobs["old"], new_blob=blobs["new"])


def test_moved_and_indented_lines_are_not_new_and_doubled_ones_are() -> None:
    assert new_lines(b"a\nb\nc\n", b"c\n  a\r\na\nd\n") == [(3, "a"), (4, "d")]


def test_lines_are_numbered_as_editors_do_and_need_not_be_utf8() -> None:
    assert new_lines(b"", b"a\rb\r\n\xe9\x0c") == [(1, "a"), (2, "b"), (3, "é\x0c")]


def test_an_added_file_follows_the_removed_one_it_is_most_like() -> None:
    contents: dict[str, bytes] = {}
    files = [
        file("old.py", b"a\nb\nc\nd\n", None, contents),
        file("other.py", b"x\ny\n", None, contents),
        file("new.py", None, b"a\nb\nc\ne\n", contents),
        file("fresh.py", None, b"q\n", contents),
        file("kept.py", b"1\n", b"2\n", contents),
    ]
    assert sources(files, contents) == {"kept.py": "kept.py:old", "new.py": "old.py:old"}


def test_blank_lines_make_no_likeness() -> None:
    contents: dict[str, bytes] = {}
    assert sources([file("a", b"\n\n\nx\n", None, contents), file("b", None, b"\n\n\ny\n", contents)], contents) == {}
