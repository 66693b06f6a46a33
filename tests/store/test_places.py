"""Where things are kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
from runner.store.places import claim, places


@pytest.mark.parametrize(
    ("env", "state"),
    [
        ({"HOME": "/h"}, "/h/.local/state/seatrial"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/s/seatrial"),
        ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.local/state/seatrial"),
        ({"HOME": "/h", "XDG_STATE_HOME": ""}, "/h/.local/state/seatrial"),
    ],
)
def test_the_state_is_kept_where_the_xdg_rules_say(env: dict[str, str], state: str) -> None:
    assert str(places(env).state) == state


def test_each_kind_of_thing_has_its_own_place() -> None:
    found = places({"HOME": "/h", "XDG_CACHE_HOME": "/c"})
    assert (str(found.cache), str(found.state)) == ("/c/seatrial", "/h/.local/state/seatrial")


def test_a_home_that_is_no_absolute_path_is_a_clear_error() -> None:
    with pytest.raises(StoreUnavailable, match="no home directory"):
        places({"HOME": "nowhere"})


def test_a_claimed_folder_is_private(tmp_path: Path) -> None:
    assert claim(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(StoreUnavailable, match="belongs to user 12345, not to you"):
        claim(tmp_path / "theirs")


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(StoreUnavailable, match="other users may write") as refused:
        claim(tmp_path / "open")
    assert "chmod 700" in refused.value.hint


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreUnavailable):
            claim(path)


def test_finding_the_places_needs_no_database() -> None:
    code = "import sys, runner.store.places; sys.exit('sqlalchemy' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
