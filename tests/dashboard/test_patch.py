"""A patch as rows: what it says is shown, what it pretends is not believed."""

import pytest

from runner.api.dashboard import patch
from runner.model.result import Outcome
from runner.reports.remarks import Level, Remark
from testing.served import GOOD


def a_remark(path: str, line: int | None, message: str = "look") -> Remark:
    return Remark(Level.WARNING, "paths", Outcome.HOLD, "paths.test", message, path, line)


def a_patch(*lines: str, path: str = "a.py", head: str = "@@ -1,2 +1,2 @@") -> bytes:
    return "\n".join((f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}", head, *lines, "")).encode()


def test_rows_have_the_numbers_of_both_sides() -> None:
    (file,) = patch.read(a_patch(" one", "-two", "+three", head="@@ -7,2 +9,2 @@ def f():")).files
    assert [(line.kind, line.old, line.new, line.text) for line in file.lines] == [
        ("hunk", None, None, "@@ -7,2 +9,2 @@ def f():"),
        ("context", 7, 9, "one"),
        ("deleted", 8, None, "two"),
        ("added", None, 10, "three"),
    ]
    assert (file.path, file.added, file.deleted) == ("a.py", 1, 1)


def test_files_of_a_real_diff_are_told_apart() -> None:
    files = patch.read(GOOD.encode()).files
    assert [(file.path, file.added, file.deleted) for file in files] == [("src/berth/quay.py", 2, 9), ("tests/test_quay_taken.py", 5, 0)]
    assert files[1].said == ["new file mode 100644"]


def test_content_that_looks_like_a_header_stays_content() -> None:
    """Lines `-- a/x`, deleted, and `++ b/x`, added, are written `--- a/x` and `+++ b/x`."""
    content = a_patch("--- a/other.py", "+++ b/other.py", "-diff --git a/z b/z", "+@@ -1 +1 @@", head="@@ -1,2 +1,2 @@")
    (file,) = patch.read(content).files
    assert file.path == "a.py"
    assert [line.text for line in file.lines[1:]] == ["-- a/other.py", "++ b/other.py", "diff --git a/z b/z", "@@ -1 +1 @@"]


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("diff --git a/a b.py b/a b.py", "a b.py"),
        ('diff --git "a/t\\303\\244st.py" "b/t\\303\\244st.py"', "täst.py"),
        ('diff --git "a/\\342\\200\\256x" "b/\\342\\200\\256x"', "\u202ex"),
        ('diff --git "a/a\\"b\\\\c\\n" "b/a\\"b\\\\c\\n"', 'a"b\\c\n'),
        ('diff --git "a/\\377" "b/\\377"', "\\xff"),
        ("diff --git a/b/b.py b/b/b.py", "b/b.py"),
    ],
)
def test_a_path_is_read_as_git_writes_it(header: str, path: str) -> None:
    (file,) = patch.read(f"{header}\nold mode 100644\nnew mode 100755\n".encode()).files
    assert file.path == path
    assert file.said == ["old mode 100644", "new mode 100755"]


def test_a_new_file_and_a_removed_one_have_their_names() -> None:
    new = b"diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x\n"
    gone = (
        b"diff --git a/o.py b/o.py\ndeleted file mode 100644\n--- a/o.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n"
    )
    assert [(file.path, len(file.lines)) for file in patch.read(new + gone).files] == [("n.py", 2), ("o.py", 3)]


def test_a_diff_without_git_s_lines_is_read_too() -> None:
    plain = b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert [(file.path, file.added) for file in patch.read(plain).files] == [("x.py", 1), ("y.py", 1)]


def test_binary_content_is_not_shown() -> None:
    content = b"diff --git a/i.png b/i.png\nindex 1..2 100644\nGIT binary patch\nliteral 5\nMc${NkU|;|M00aO5\n\nliteral 0\nHcmV?d00001\n\n"
    (file,) = patch.read(content).files
    assert (file.path, file.lines, file.said) == ("i.png", [], ["binary: its content is not shown"])


def test_findings_stand_at_their_lines_and_those_without_one_above() -> None:
    remarks = (a_remark("a.py", 2, "here"), a_remark("a.py", None, "whole"), a_remark("a.py", 99, "far"), a_remark("b.py", 1, "gone"))
    found = patch.read(a_patch(" one", "+two", head="@@ -1 +1,2 @@"), remarks)
    (file,) = found.files
    assert [remark.message for line in file.lines for remark in line.remarks] == ["here"]
    assert file.lines[2].remarks[0].message == "here"
    assert {remark.message for remark in file.remarks} == {"whole", "far"}
    assert [remark.message for remark in found.elsewhere] == ["gone"]


def test_what_is_shown_is_bounded_and_says_what_is_left_out() -> None:
    many = b"".join(a_patch("+x", path=f"f{number}.py", head="@@ -0,0 +1 @@") for number in range(patch.MOST_FILES + 5))
    assert (len(patch.read(many).files), patch.read(many).more) == (patch.MOST_FILES, 5)
    count = patch.MOST_LINES + 10
    (file,) = patch.read(a_patch(*("+x" for _ in range(count)), head=f"@@ -0,0 +1,{count} @@")).files
    assert (len(file.lines), file.more, file.added) == (patch.MOST_LINES, 11, count)
    (long,) = patch.read(a_patch("+" + "y" * 100_000, head="@@ -0,0 +1 @@")).files
    assert len(long.lines[1].text) <= 500


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"@@ -1 +1 @@\n+x", b"diff --git ", b"--- \n+++ \n@@ -1,999999999 +1,999999999 @@\nx", b"\xff\xfe\x00"]
)
def test_what_is_no_patch_is_no_fault(content: bytes) -> None:
    patch.read(content, (a_remark("a.py", 1),))


def test_control_characters_and_a_carriage_return_show_themselves() -> None:
    (file,) = patch.read(a_patch("+\u202ex\x1b[2J\ty\r", head="@@ -0,0 +1 @@")).files
    assert file.lines[1].text == "\\u202ex\\x1b[2J\ty\\r"
