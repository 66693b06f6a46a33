"""The section `tests`: what belongs together, and where a command's report is."""

from typing import Any

import pytest
from pydantic import ValidationError

from runner.trial.options import Tests

COMMAND: dict[str, Any] = {"runner": "command", "command": ("make", "test")}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, None),
        (COMMAND, None),
        ({**COMMAND, "report": "junit"}, "/tmp/seatrial/report.xml"),
        ({**COMMAND, "report": "junit", "report_file": "/tmp/x.xml"}, "/tmp/x.xml"),
        ({**COMMAND, "report": "tap"}, None),
        ({**COMMAND, "report": "tap", "report_file": "/tmp/x.tap"}, "/tmp/x.tap"),
    ],
)
def test_the_report_is_where_the_kind_of_report_says(given: dict[str, Any], path: str | None) -> None:
    assert Tests(**given).report_path == path


@pytest.mark.parametrize(
    "given",
    [
        {"runner": "command"},
        {"command": ("make",)},
        {"report": "junit"},
        {"report_file": "/tmp/x.xml"},
        {**COMMAND, "args": ("tests",)},
        {**COMMAND, "report_file": "/tmp/x.xml"},
        {**COMMAND, "report": "junit", "report_file": "x.xml"},
        {**COMMAND, "report": "junit", "report_file": "/tmp/../etc/x"},
        {"args": ("a\0b",)},
        {"reruns": -1},
        {"base_runs": 0},
    ],
)
def test_keys_that_contradict_one_another_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Tests(**given)
