"""What the base answered to controls, kept between runs."""

import resource
from pathlib import Path

from runner.store.keepsakes import FileKeepsakes


def test_what_is_kept_is_found_again_and_a_damaged_file_counts_as_absent(tmp_path: Path) -> None:
    kept = FileKeepsakes(tmp_path / "new")
    kept.save("key", b'{"a": 1}')
    assert kept.load("key") == b'{"a": 1}'
    assert kept.load("other") is None
    (file,) = (tmp_path / "new").iterdir()
    for damage in (b"not gzip", file.read_bytes()[:-9], b""):
        file.write_bytes(damage)
        assert kept.load("key") is None


def test_an_answer_that_cannot_be_written_leaves_no_file_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # a full disk without one
    try:
        FileKeepsakes(tmp_path).save("key", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
