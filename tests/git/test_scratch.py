"""Index folders: gone when they are not used any more, whoever died."""

from pathlib import Path

from runner.git.scratch import index_folder, sweep


def test_a_folder_in_use_is_not_swept_and_is_gone_afterwards(tmp_path: Path) -> None:
    with index_folder(tmp_path) as folder:
        sweep(tmp_path)
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in ("index-dead", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_text("x")
    (tmp_path / "index-link").symlink_to("other")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index-link", "other"]
