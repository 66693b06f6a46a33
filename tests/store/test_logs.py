"""The ends of logs as files."""

from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
from runner.store.logs import MOST, load, save


def test_only_the_end_of_a_long_log_is_kept_and_the_cut_is_said(tmp_path: Path) -> None:
    save(tmp_path, "aa1", {"base": "x" * MOST + "the end"})
    assert (tmp_path / "logs" / "aa1" / "base.log").stat().st_size < MOST + 100
    kept = load(tmp_path, "aa1")["base"]
    assert kept.endswith("xthe end")
    assert len(kept) <= MOST


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b", "a\n", "A"])
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a log"):
        save(tmp_path, "aa1", {name: "text"})
    with pytest.raises(ValueError, match="cannot name a log"):
        load(tmp_path, name)


def test_a_log_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        save(tmp_path, "aa1", {"base": "text"})


def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    save(tmp_path, "aa1", {"base": "text"})
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "logs" / "aa1" / "patched.log").symlink_to(tmp_path / "secret")
    assert load(tmp_path, "aa1") == {"base": "text"}


def test_bytes_that_were_no_text_survive_the_round(tmp_path: Path) -> None:
    save(tmp_path, "aa1", {"base": "bad \udcff byte"})
    assert load(tmp_path, "aa1") == {"base": "bad \\udcff byte"}
