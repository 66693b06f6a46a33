"""Where reports land."""

import os
from pathlib import Path

import pytest

from runner.cli.output import check_writable, save


def test_a_report_replaces_a_link_and_leaves_alone_what_it_leads_to(tmp_path: Path) -> None:
    """Reports are written where changes are checked out, so the link may be the change's."""
    outside = tmp_path / "outside"
    outside.write_text("mine\n")
    link = tmp_path / "report.md"
    link.symlink_to(outside)
    check_writable(link)
    save(link, "report\n")
    assert (outside.read_text(), link.read_text(), link.is_symlink()) == ("mine\n", "report\n", False)


@pytest.mark.timeout(30)
def test_a_link_to_a_pipe_or_to_nothing_is_replaced_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in ("pipe", "nothing"):
        link = tmp_path / "report.json"
        link.symlink_to(target)
        save(link, "{}\n")
        assert link.read_text() == "{}\n"
        link.unlink()
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="the system has no /dev/stdout")
def test_links_of_the_system_are_followed() -> None:
    reader, writer = os.pipe()
    save(Path(f"/dev/fd/{writer}"), "report\n")
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "report\n"
    assert Path("/dev/stdout").is_symlink()
