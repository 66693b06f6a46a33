"""Base results kept between runs."""

import resource
from pathlib import Path

from runner.store.baselines import FileBaselines
from testing.builders import a_run


def test_what_is_kept_is_found_again_and_a_damaged_file_counts_as_absent(tmp_path: Path) -> None:
    kept = FileBaselines(tmp_path)
    runs = (a_run({"t.py::a": "passed"}),)
    kept.save("key", runs)
    assert kept.load("key") == runs
    assert kept.load("other") is None
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"not gzip")
    assert kept.load("key") is None


def test_a_result_that_cannot_be_written_leaves_no_file_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # a full disk without one
    try:
        FileBaselines(tmp_path).save("key", (a_run({"t.py::a": "passed"}),))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
