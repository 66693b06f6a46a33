"""The keys of the section `backup`."""

import pytest
from pydantic import ValidationError

from runner.vault.options import Options


def test_the_defaults_are_those_of_the_design() -> None:
    assert Options().model_dump(mode="json") == {
        "keep_within": "168h",
        "keep_last": 20,
        "quota": "20GiB",
        "advanced": {"grace": "24h"},
    }


@pytest.mark.parametrize(
    "text", ['{"keep_last": 0}', '{"quota": "0B"}', '{"keep_within": "7"}', '{"quota": "5"}', '{"keep": 1}', '{"grace": "1h"}']
)
def test_what_could_not_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(text)
