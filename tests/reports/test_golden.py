"""What each format makes of each kind of ending, as it was read and approved."""

import pytest

from runner.reports.formats import FORMATS, written
from runner.reports.report import from_json, to_json
from testing.reports import GOLDEN, SAMPLES, SUFFIX, golden, sample


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_looks_as_it_was_approved(name: str, style: str) -> None:
    """After a change that is meant: `python -m testing.reports` writes the files anew, to be read in the diff."""
    assert golden(name, style) == (GOLDEN / f"{name}.{SUFFIX[style]}").read_text(encoding="utf-8")


def test_there_is_no_golden_file_that_nobody_reads() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{SUFFIX[style]}" for name in SAMPLES for style in FORMATS}


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_stored_report_is_written_the_same(name: str, style: str) -> None:
    report = sample(name)
    assert written(from_json(to_json(report)), style) == written(report, style)
