"""How Debian packages become an image, and with which of this host's settings."""

import io
import json
import sys
from pathlib import Path

import pytest

from runner.errors import ImageUnavailable
from runner.sandbox.image import debian
from runner.sandbox.image.debian import command


def test_the_hosts_settings_reach_the_tool_and_are_removed_from_the_image(tmp_path: Path) -> None:
    argv = command("ubuntu", "noble", tmp_path / "t", ['Acquire::http::Proxy "http://p";'], ["deb http://m noble main"])
    assert '--aptopt=Acquire::http::Proxy "http://p";' in argv
    assert argv[-3:] == ["noble", str(tmp_path / "t"), "deb http://m noble main"]
    assert "--components=main,universe" in argv
    (hook,) = [argument for argument in argv if argument.startswith("--customize-hook=")]
    assert all(part in hook for part in ("etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list", "etc/apt/auth.conf"))


class Importer:
    """An engine that takes a tar and answers like Docker."""

    address = "unix:///nowhere"

    def __init__(self, answer: str) -> None:
        self.api, self.answer, self.taken = self, answer, b""

    def import_image_from_stream(self, chunks: object, changes: list[str]) -> str:
        self.taken = b"".join(chunks)  # type: ignore[call-overload]
        return self.answer


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for mmdebstrap: a Python program that finds its target in `sys.argv[1]`."""
    program = tmp_path / "tool.py"
    program.write_text("import sys; print('I: downloading packages'); print('I: using /tmp/x'); open(sys.argv[1], 'wb').write(b'tar' * 10)")
    monkeypatch.setattr(debian, "apt_settings", tuple)
    monkeypatch.setattr(debian, "command", lambda *given: [sys.executable, str(program), str(given[2])])
    return program


def test_what_the_tool_writes_is_imported_and_its_steps_are_told(tool: Path, tmp_path: Path) -> None:
    engine, notes = Importer('{"status":"x"}\n{"status":"sha256:abc"}\n'), io.StringIO()
    assert debian.build(engine, "debian", "bookworm", (), ["LABEL a=b"], tmp_path, lambda text: print(text, file=notes)) == "sha256:abc"  # type: ignore[arg-type]
    assert engine.taken == b"tar" * 10
    assert notes.getvalue() == "downloading packages\nimporting the packages as an image\n"


def test_the_packages_lie_where_the_next_start_finds_them_should_this_process_be_killed(tool: Path, tmp_path: Path) -> None:
    tool.write_text("import sys; print('E: ' + sys.argv[1]); sys.exit(25)")
    with pytest.raises(ImageUnavailable, match=f"E: {tmp_path}/live/[0-9a-f]+/root.tar"):
        debian.build(Importer(""), "debian", "bookworm", (), [], tmp_path, lambda _: None)  # type: ignore[arg-type]
    assert list((tmp_path / "live").iterdir()) == []


def test_the_tool_meets_no_broken_pipe_when_we_are_killed_so_that_it_tidies_up(tool: Path, tmp_path: Path) -> None:
    tool.write_text("import os, sys; print('E:', os.readlink('/proc/self/fd/1'), os.readlink('/proc/self/fd/2')); sys.exit(25)")
    with pytest.raises(ImageUnavailable) as failure:
        debian.build(Importer(""), "debian", "bookworm", (), [], tmp_path, lambda _: None)  # type: ignore[arg-type]
    out, err = str(failure.value).rpartition("E: ")[2].split()
    assert out == err
    assert Path(out).is_relative_to(tmp_path / "live")


def test_a_tool_that_fails_is_shown_with_its_last_lines(tool: Path, tmp_path: Path) -> None:
    tool.write_text("import sys; print('E: mirror unreachable'); sys.exit(25)")
    with pytest.raises(ImageUnavailable, match="E: mirror unreachable"):
        debian.build(Importer(""), "debian", "bookworm", (), [], tmp_path, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("answer", "words"), [(json.dumps({"error": "no space"}), "no space"), ("", "did not say")])
def test_an_import_without_an_image_is_no_success(tool: Path, tmp_path: Path, answer: str, words: str) -> None:
    with pytest.raises(ImageUnavailable, match=words):
        debian.build(Importer(answer), "debian", "bookworm", (), [], tmp_path, lambda _: None)  # type: ignore[arg-type]
