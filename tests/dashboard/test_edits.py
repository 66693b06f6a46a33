"""JSON edits as rows: shown as text, bounded, with findings at their lines."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runner.api.dashboard import edits
from runner.api.dashboard.patch import MOST_FILES, MOST_LINES
from runner.model.result import Outcome
from runner.reports.remarks import Level, Remark
from testing.served import Served, serving
from testing.windows import MARK


def sent(*items: dict[str, Any]) -> bytes:
    return json.dumps(items).encode()


def test_each_file_has_its_new_lines_with_their_numbers() -> None:
    added, deleted, raw = edits.read(
        sent(
            {"path": "a.py", "content": "one\ntwo\n", "mode": "100755"},
            {"path": "b.py", "delete": True},
            {"path": "c.bin", "content_base64": b64encode(b"\xff\x00").decode()},
        )
    ).files
    assert [(line.kind, line.old, line.new, line.text) for line in added.lines] == [("added", None, 1, "one"), ("added", None, 2, "two")]
    assert (added.path, added.said, added.added, added.deleted) == ("a.py", ["mode 100755"], 2, 0)
    assert (deleted.path, deleted.said, deleted.lines) == ("b.py", ["deleted"], [])
    assert [line.text for line in raw.lines] == ["\\xff\\x00"]


def test_findings_are_at_their_lines_and_those_of_other_files_are_told() -> None:
    def remark(path: str, line: int) -> Remark:
        return Remark(Level.WARNING, "paths", Outcome.HOLD, "paths.test", "look", path, line)

    found = edits.read(sent({"path": "a.py", "content": "one\ntwo"}), [remark("a.py", 2), remark("z.py", 1), remark("a.py", 9)])
    (file,) = found.files
    assert [len(line.remarks) for line in file.lines] == [0, 1]
    assert ([one.line for one in file.remarks], [one.path for one in found.elsewhere]) == ([9], ["z.py"])


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'[{"path": 1}]', b"\xff", b'[{"path": "../x", "content": ""}]', b"[]"])
def test_what_are_no_edits_is_a_text_and_why(content: bytes) -> None:
    (file,) = edits.read(content).files
    assert file.said[0]
    assert {line.kind for line in file.lines} <= {"note"}
    assert all(len(line.text) <= 500 for line in file.lines)


def test_no_more_is_shown_than_fits_a_page() -> None:
    many = edits.read(sent(*({"path": f"f{number}", "content": "x"} for number in range(MOST_FILES + 3))))
    assert (len(many.files), many.more) == (MOST_FILES, 3)
    first, second = edits.read(sent(*({"path": name, "content": "\n" * (MOST_LINES - 1)} for name in "ab"))).files
    assert (len(first.lines), first.more, len(second.lines), second.more) == (MOST_LINES - 1, 0, 1, MOST_LINES - 2)
    (wide,) = edits.read(sent({"path": "a", "content": "x" * 10_000})).files
    assert len(wide.lines[0].text) == 500
    (large,) = edits.read(b"[" + b"\n" * (2**20 + 1) + b"]").files
    assert (len(large.lines), large.more) == (MOST_LINES, 2**20 + 2 - MOST_LINES)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[Served]:
    """A server that carries nothing: no change ever becomes a patch."""
    with serving(tmp_path_factory.mktemp("idle"), works=False) as made:
        yield made


@pytest.fixture(scope="module")
def browser(idle: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=idle.url) as made:
        assert made.post("/login", data={"token": idle.token}).status_code == 303
        yield made


@pytest.mark.parametrize("where", [{"command": "check", "repo": "app"}, {"target": "app-main"}])
def test_edits_are_on_the_page_of_a_run_that_has_no_patch(idle: Served, browser: httpx.Client, where: dict[str, str]) -> None:
    change = [{"path": "src/berth/new.py", "content": f"# first\n# {MARK} \u202e\n"}, {"path": "old.py", "delete": True}]
    run = idle.post("/api/v1/runs", {**where, "edits": change}, 202)["run"]
    page = browser.get(f"/runs/{run}").text
    assert "src/berth/new.py" in page
    assert "# first" in page
    assert "old.py" in page
    assert "&lt;script&gt;window.struck = 1&lt;/script&gt; \\u202e" in page
    assert MARK not in page


def test_a_revision_is_named_as_text(idle: Served, browser: httpx.Client) -> None:
    name = "<b>main</b>" + "x" * 450
    run = idle.post("/api/v1/runs", {"command": "check", "repo": "app", "revision": name}, 202)["run"]
    page = browser.get(f"/runs/{run}").text
    assert "&lt;b&gt;main&lt;/b&gt;" + "x" * 450 in page
    assert "<b>main" not in page
    assert "a revision of the repository app" in page
